export * from "./error.js";
export * from "./image/classes.js";
export * from "./image/image.js";
export * from "./random/random.js";
export type * from "./tensor/tensor.js";
