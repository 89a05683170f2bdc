import { readSafetensors } from "../safetensors.js";
import type { Format } from "./format.js";

export const safetensors: Format = {
  recognises: (bytes) => bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0,
  read(bytes) {
    const { tensors, metadata } = readSafetensors(bytes);
    return { format: "safetensors", state: tensors, beside: new Map(), metadata };
  },
};
