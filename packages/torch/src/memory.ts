import { native } from "./binding.js";

/** How many tensors JavaScript holds that are not freed. A loop that does not leak comes back to the same number. */
export const liveTensors = (): number => native().liveTensors() as number;

const figures = () => native().memoryFigures() as readonly [used: number, kept: number, most: number];

/** Bytes of main memory that tensors use. */
export const memoryInUse = (): number => figures()[0];

/** Bytes of freed large blocks that are kept for the next tensors; with those in use never more than {@link peakMemory}. */
export const memoryKept = (): number => figures()[1];

/** The most bytes that tensors of 1 MiB and more have used at once, since the start or the last {@link releaseMemory}. */
export const peakMemory = (): number => figures()[2];

/** Gives the kept blocks back to the system, and counts the peak anew. */
export const releaseMemory = (): void => void native().releaseMemory();
