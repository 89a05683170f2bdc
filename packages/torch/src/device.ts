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

/**
 * Whether bfloat16 is computed by the processor's own instructions (AVX512-BF16, AMX, Arm's BF16); elsewhere it works, slower than
 * float32. False too where ONEDNN_MAX_CPU_ISA forbids them.
 */
export const fastBfloat16 = (): boolean => native().fastBfloat16() as boolean;

/** libtorch's version, `2.15.0`. */
export const version = (): string => native().version() as string;
