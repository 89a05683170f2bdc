// Networks, images, labels and metrics
export * from "@pspnet/core";
export { makeScene, type Scene, sceneClasses, sceneFamilies } from "@pspnet/scenes";
export { backend } from "@pspnet/torch";
// Configuration of a training run
export { loadTrainConfig } from "./config/load.js";
export type { TrainConfig, TrainConfigInput } from "./config/schema.js";
export { validateTrainConfig } from "./config/validate.js";
// Datasets
export { type CheckReport, checkDataset, formatCheckReport } from "./data/check.js";
export { type Dataset, type OpenOptions, openDataset, type Sample } from "./data/dataset.js";
export type { DataConfig } from "./data/format.js";
export { type ColourTable, colourTable } from "./data/ids.js";
export { readImage } from "./data/images.js";
export { type Batch, Loader, type LoaderOptions } from "./data/loader.js";
export { readMask } from "./data/masks.js";
export { writeScenes } from "./data/writeScenes.js";
export { decodeNpy, encodeNpy } from "./files/npy.js";
export { encodeMask, encodePng } from "./files/png.js";
// Published weights
export { type PullOptions, pull } from "./pull/pull.js";
export { type ZooEntry, zoo, zooEntry } from "./pull/zoo.js";
// Processes that work as one
export { alone, type GradientSum, type World } from "./ranks/world.js";
// Pictures side by side
export { contactSheet } from "./report/contactSheet.js";
// Evaluation and prediction
export { type Engine, type EngineOptions, openEngine } from "./segment/engine.js";
export { type EvaluateOptions, evaluate, type Labeller } from "./segment/evaluate.js";
// A network ready to be used
export { load } from "./segment/load.js";
export { type LoadedModel, loadModel } from "./segment/loadModel.js";
export type { NetworkOptions } from "./segment/openNetwork.js";
export type { PredictionOptions, RuntimeOptions } from "./segment/openRuntime.js";
export { readWeights, type WeightsFile } from "./segment/readWeights.js";
export { type NetworkDescription, TorchSegmenter } from "./segment/torchSegmenter.js";
// Training
export { launch } from "./train/launch.js";
export { officialRecipe, type Recipe } from "./train/recipe.js";
export { type Ending, type TrainOptions, type TrainResult, train } from "./train/train.js";
// Films
export { type Film, probeFilm } from "./video/film.js";
export type { FramePlace } from "./video/readFrames.js";
export { type FilmFrame, type FilmOptions, segmentFilm } from "./video/segmentFilm.js";
