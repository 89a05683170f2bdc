import { type OnnxImages, type OnnxSession, PspnetError, random } from "@pspnet/core";

/** An image whose sides differ, small, and larger than what kernels take at once. */
const [HEIGHT, WIDTH] = [97, 129];

/** Largest difference, of the largest logit: more than float32 loses in its own sums, less than a wrong kernel makes. */
const TOLERANCE = 0.01;

/**
 * Whether a session computes what another does, of the same model, which looks at images of so many channels.
 *
 * @throws PspnetError "environment" when it does not.
 */
export async function selfTest(
  tested: OnnxSession,
  reference: OnnxSession,
  { channels }: { readonly channels: number },
): Promise<void> {
  const [found, expected] = await Promise.all([logits(tested, channels), logits(reference, channels)]);
  let [largest, apart] = [0, found.length === expected.length ? 0 : Infinity];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    // Of NaN and a number it is NaN.
    apart = Math.max(apart, Math.abs(found[i] - expected[i]));
  }
  if (apart <= TOLERANCE * largest) return;
  const ratio = (apart / largest).toPrecision(2);
  throw new PspnetError(
    "environment",
    `WebGPU: expected the logits of WebAssembly within ${TOLERANCE} of the largest, found them ${ratio} apart; this graphics driver is at fault`,
  );
}

async function logits(session: OnnxSession, channels: number): Promise<Float32Array> {
  const generator = random(1);
  const data = Float32Array.from({ length: channels * HEIGHT * WIDTH }, () => 4 * generator.next() - 2);
  const image: OnnxImages = { data, dims: [1, channels, HEIGHT, WIDTH] };
  const { logits8 } = await session.run(image, ["logits8"]);
  return logits8.data as Float32Array;
}
