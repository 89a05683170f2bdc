import { type DType, PspnetError } from "@pspnet/core";
import { native } from "./binding.js";

/** Runs `work`, then `restore`. libtorch keeps modes per thread, so they must not stay on while other code runs at an await. */
export function during<R>(name: string, work: () => R, restore: () => void): R {
  let result: R;
  try {
    result = work();
  } finally {
    restore();
  }
  if (result instanceof Promise) {
    throw new PspnetError(
      "usage",
      `${name}() work: expected a synchronous function, found an async one; await outside it`,
    );
  }
  return result;
}

/** Runs `work` without recording for backward: less memory and time. */
export function noGrad<R>(work: () => R): R {
  const before = native().gradMode();
  native().setGradMode(false);
  return during("noGrad", work, () => native().setGradMode(before));
}

/** Whether operations are recorded for backward. */
export const gradEnabled = (): boolean => native().gradMode() as boolean;

/**
 * Runs `work` as torch.autocast does: convolutions and matrix products in `dtype`, what needs precision in float32. Run backward outside.
 */
export function autocast<R>(
  options: { readonly device?: string; readonly dtype?: DType; readonly enabled?: boolean },
  work: () => R,
): R {
  const { device = "cpu", dtype = "bfloat16", enabled = true } = options;
  const before = [native().autocastDtype(device), native().autocastEnabled(device)];
  native().enterAutocast(device, dtype, enabled);
  return during("autocast", work, () => native().leaveAutocast(device, ...before));
}
