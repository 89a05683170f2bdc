// From the logits of windows to an image, band by band
export * from "../evaluate/averagedProbabilities.js";
export * from "../evaluate/bands.js";
export * from "../evaluate/blendedProbabilities.js";
export * from "../evaluate/enlargedLabels.js";
export * from "../evaluate/enlargedLogits.js";
export type { WindowLogits } from "../evaluate/enlargedRows.js";
export * from "../evaluate/notFinite.js";
// What is kept of a sequence of images
export * from "./averagesOverTime.js";
// Pixels that are given as they are
export * from "./copyPixels.js";
// Work ahead of its use, and work that is not waited for any more
export * from "./endedBy.js";
export * from "./lookAtWindows.js";
export * from "./mapAhead.js";
// What fits into memory
export * from "./memory.js";
// A network in another thread
export * from "./segmenterThread.js";
// What a network is given of a photograph
export * from "./windowInput.js";
