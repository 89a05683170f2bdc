import { type OnnxImages, type OnnxSession, PspnetError } from "@pspnet/core";
import type * as onnxruntime from "onnxruntime-web/wasm";
import type { BackendName } from "./backend.js";
import { selfTest } from "./selfTest.js";

/** onnxruntime-web, whichever of its builds. */
export type Onnxruntime = Pick<typeof onnxruntime, "env" | "InferenceSession" | "Tensor">;

/** Errors alone: that sizes are computed elsewhere than convolutions is as it should be. */
const OPTIONS = { logSeverityLevel: 3 } as const;

/**
 * A model on onnxruntime-web, in the worker that calls this.
 *
 * @throws PspnetError "environment" when onnxruntime cannot run, or WebGPU computes something else than WebAssembly, "weights" for a
 * model that does not give the logits of images of any size.
 */
export async function openSession(ort: Onnxruntime, model: Uint8Array, backend: BackendName): Promise<OnnxSession> {
  const session = await created(ort, model, backend);
  if (backend === "wasm") return session;
  try {
    await compared(session, await created(ort, model, "wasm"));
    return session;
  } catch (error) {
    await session.release();
    throw error;
  }
}

interface ImageSession extends OnnxSession {
  /** Of the images. */
  readonly channels: number;
}

async function compared(session: ImageSession, reference: OnnxSession): Promise<void> {
  try {
    await selfTest(session, reference, session);
  } finally {
    await reference.release();
  }
}

async function created(ort: Onnxruntime, model: Uint8Array, backend: BackendName): Promise<ImageSession> {
  const session = await explained(() =>
    ort.InferenceSession.create(model, { ...OPTIONS, executionProviders: [backend] }),
  );
  let channels: number;
  try {
    channels = channelsOf(session);
  } catch (error) {
    await session.release();
    throw error;
  }
  return {
    channels,
    async run({ data, dims }: OnnxImages, outputs) {
      await messages();
      const image = new ort.Tensor("float32", data, dims);
      return explained(() => session.run({ image }, outputs));
    },
    release: () => session.release(),
  };
}

/** Lets messages in, such as that nobody wants the answer any more: WebAssembly runs from one window to the next without a pause. */
function messages(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

async function explained<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (cause) {
    // A number is where in its memory WebAssembly has left the exception, for want of memory as a rule.
    const { message = `error ${cause}, of memory as a rule` } = cause as Partial<Error>;
    throw new PspnetError("environment", `onnxruntime-web: ${message}`, { cause });
  }
}

/** Channels of the images that an ONNX model, which may have been given as such, looks at. */
function channelsOf({ inputMetadata: [image], outputMetadata }: onnxruntime.InferenceSession): number {
  const sizes = image?.isTensor && image.type === "float32" ? image.shape : [];
  const [, channels, ...sides] = sizes;
  const anySize = sides.length === 2 && sides.every((side) => typeof side === "string");
  const named = image?.name === "image" && outputMetadata.some(({ name }) => name === "logits8");
  if (anySize && named && typeof channels === "number") return channels;
  const found = `${image?.name} [${sizes.join(", ")}] to ${outputMetadata.map(({ name }) => name).join(", ")}`;
  const mend =
    "export it with `pspnet export weights.safetensors --to onnx --output logits8`, or give the safetensors file";
  throw new PspnetError(
    "weights",
    `model: expected image, float32 [n, channels, h, w] of any size, to logits8, found ${found}; ${mend}`,
  );
}
