import { createRequire } from "node:module";
import { dirname } from "node:path";
import { PspnetError, type Runtime, type Weights } from "@pspnet/core";
import { type OpenQuestion, SegmenterThread, type SegmentNews, type SegmentQuestion } from "@pspnet/core/segment";
import { Thread } from "../threads/thread.js";
import type { PredictionOptions } from "./openRuntime.js";
import type { WeightsFile } from "./readWeights.js";
import { forget, type Rest, restAtExit } from "./restAtExit.js";

const require = createRequire(import.meta.url);
const { peerDependencies } = require("../../package.json") as {
  readonly peerDependencies: { "onnxruntime-node": string };
};

/** What installs it. Its own install step fetches libraries for NVIDIA's GPUs, which are of no use here. */
export const INSTALL_ONNX = `npm install --ignore-scripts onnxruntime-node@${peerDependencies["onnxruntime-node"]}`;

/** The version of onnxruntime-node that is installed, or null. Does not load it. */
export function onnxVersion(): string | null {
  try {
    return (require("onnxruntime-node/package.json") as { version: string }).version;
  } catch {
    return null;
  }
}

/** Why onnxruntime-node cannot be used, and what mends it; null when it can. Loads it. */
export function onnxProblem(): string | null {
  try {
    require("onnxruntime-node");
    return null;
  } catch (error) {
    return explained(error as Error);
  }
}

function explained({ message }: Error): string {
  if (onnxVersion() === null) {
    return `onnxruntime-node: expected the package, but it is not installed; install it with \`${INSTALL_ONNX}\``;
  }
  const folder = dirname(require.resolve("onnxruntime-node/package.json"));
  const reason = message.split("\n")[0];
  const mend = `delete that folder and install it anew with \`${INSTALL_ONNX}\``;
  return `onnxruntime-node: expected ${folder} to load, but: ${reason}; ${mend}`;
}

/** What the thread starts with. */
export interface OnnxThreadSettings {
  readonly rest: Rest;
}

/** What it is told to open. */
export interface OnnxSettings extends Pick<Weights, "source" | "bytes"> {
  readonly threads: number;
  /** Whether it is computed in bytes, as its weights say. */
  readonly int8: boolean;
}

/**
 * The network on onnxruntime-node, in a thread of its own: onnxruntime-node blocks the thread that calls it. Weights that nobody
 * else has are handed over to it, others copied.
 *
 * @throws PspnetError "environment" when onnxruntime-node is missing or does not load, "usage" for a device or precision that it has not.
 */
export async function openOnnxRuntime(
  { source, bytes, owned }: WeightsFile,
  { device, precision, threads = 0 }: PredictionOptions,
): Promise<Runtime> {
  if (device === "cuda" || !["auto", "fp32", "int8"].includes(precision)) {
    const found = device === "cuda" ? "device=cuda" : `precision=${precision}`;
    throw new PspnetError(
      "usage",
      `runtime=onnx: expected device=cpu and precision=fp32 or int8, found ${found}; use runtime=torch for that`,
    );
  }
  const int8 = precision === "int8";
  const rest = restAtExit();
  const file = new URL("./onnxWorker.js", import.meta.url);
  const data: OnnxThreadSettings = { rest };
  const thread: OnnxThread = new Thread(file, { name: "onnxruntime", data, onExit: () => forget(rest) });
  const transfer = owned && isWhole(bytes) ? [bytes.buffer] : [];
  try {
    await thread.ask({ kind: "open", source, bytes, threads, int8 }, { transfer });
  } catch (error) {
    await thread.close();
    // A thread that ended says of what: its module did not load.
    const { cause } = error as Error;
    if (!(cause instanceof Error)) throw error;
    throw new PspnetError("environment", explained(cause), { cause });
  }
  return new SegmenterThread(thread, `cpu in ${int8 ? "int8" : "fp32"}`);
}

/** Whether the bytes are a whole buffer: part of a larger one, such as Node's pool, cannot be handed over. */
function isWhole(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}

type OnnxThread = Thread<SegmentQuestion | OpenQuestion<OnnxSettings>, unknown, SegmentNews>;
