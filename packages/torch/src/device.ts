import { native } from "./binding.js";

/** Makes random operations repeatable on every device. */
export function manualSeed(seed: number): void {
  native().manualSeed(seed);
}

/** Threads that one operation may use. */
export const numThreads = (): number => native().numThreads() as number;

/** Sets how many threads one operation may use, from 1 to four times the cores (or 64, where that is more). */
export function setNumThreads(count: number): void {
  native().setNumThreads(count);
}

/** Whether tensors can be made on device `cuda`. */
export const cudaAvailable = (): boolean => cudaProblem() === null;

/** Why {@link cudaAvailable} is false, in words, or null when it is true. */
export const cudaProblem = (): string | null => (native().cudaProblem() as string) || null;

/** How many GPUs there are for device `cuda`: `cuda:0` and so on. */
export const gpuCount = (): number => native().gpuCount() as number;

/** Bytes that tensors on a GPU have used at once at most, since the start. */
export const gpuMemory = (device = "cuda:0"): number => native().gpuMemory(device) as number;

/**
 * Whether the processor is faster at bfloat16 than at float32: by AMX, AMD's AVX512-BF16 or Arm's BF16. Intel's AVX512-BF16 without AMX
 * is not; it takes twice the time. False too where ONEDNN_MAX_CPU_ISA forbids them. Elsewhere bfloat16 works, slower than float32.
 */
export const fastBfloat16 = (): boolean => native().fastBfloat16() as boolean;

/** Whether bfloat16 is computed by the processor's own instructions, fast or not; elsewhere it is emulated, in more memory. */
export const bfloat16Instructions = (): boolean => native().bfloat16Instructions() as boolean;

/**
 * Whether the processor sums products of bytes exactly, by VNNI or AMX. Elsewhere plans keep 7 bits of int8 weights, so that sums of two
 * products stay within 16 bits, and take longer. False too where ONEDNN_MAX_CPU_ISA forbids them.
 */
export const exactInt8 = (): boolean => native().exactInt8() as boolean;

/** libtorch's version, `2.15.0`. */
export const version = (): string => native().version() as string;
