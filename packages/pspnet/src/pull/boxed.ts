import { fileURLToPath } from "node:url";
import type { ZooEntry } from "./zoo.js";

/** The small network that comes with the packages, trained on made scenes (`npm run box`): a name as those of published weights. */
export const BOXED: ZooEntry = {
  name: "scenes",
  short: null,
  source: "pspnet",
  dataset: "scenes",
  backbone: "resnet18",
  supported: true,
  alone: false,
  licence: "MIT",
  score: 88.75,
  averaged: null,
  crop: 241,
  files: [],
  fields: {},
};

/** Its file. */
export function boxedFile(): string {
  return fileURLToPath(import.meta.resolve("@pspnet/scenes/model.safetensors"));
}
