import {
  type AverageOptions,
  alignedSize,
  type Pass,
  type PSPNetConfig,
  planPasses,
  type ScaledLogits,
  type Size,
} from "@pspnet/core";
import { type Protocol, windowTotal } from "./protocol.js";
import type { AskOptions } from "./runtime.js";

/** Takes the logits of each window of a scale from `look`, in the plan's order. */
export type EachWindow<Logits> = (
  look: (corner: { readonly top: number; readonly left: number }) => Promise<Logits>,
) => Promise<Logits[]>;

export interface LookOptions<Logits> extends AskOptions {
  readonly config: PSPNetConfig;
  /** Makes the image ready at one scale and calls `each`; windows are padded to `enlarged` on the right and bottom. */
  readonly atScale: (pass: Pass & { readonly enlarged: Size }, each: EachWindow<Logits>) => Promise<Logits[]>;
}

/** Has a runtime look at all windows of an image, and gives what `averagedLabels` and `averagedProbabilities` take. */
export async function lookAtWindows<Logits>(
  { width, height }: Size,
  protocol: Protocol,
  { signal, onWindow, config, atScale }: LookOptions<Logits>,
): Promise<[ScaledLogits<Logits>[], AverageOptions]> {
  const total = windowTotal({ width, height }, protocol);
  let done = 0;
  const scales: ScaledLogits<Logits>[] = [];
  for (const pass of planPasses({ width, height }, protocol)) {
    const { plan } = pass;
    const enlarged = aligned(plan.window, config);
    const windows = await atScale({ ...pass, enlarged }, async (look) => {
      const found: Logits[] = [];
      for (const corner of plan.windows) {
        signal?.throwIfAborted();
        found.push(await look(corner));
        onWindow?.(++done, total);
      }
      return found;
    });
    scales.push({ size: { height: pass.height, width: pass.width }, plan, enlarged, windows });
  }
  return [scales, { size: { height, width }, alignCorners: config.alignCorners }];
}

/** `alignedSize` of a size by its names. */
export function aligned({ height, width }: Size, config: PSPNetConfig): Size {
  const [h, w] = alignedSize([height, width], config);
  return { height: h, width: w };
}
