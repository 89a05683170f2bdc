import { native } from "./binding.js";

/** How many tensors JavaScript holds that are not freed. A loop that does not leak comes back to the same number. */
export const liveTensors = (): number => native().liveTensors() as number;
