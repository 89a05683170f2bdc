import { emitWarning } from "node:process";
import { type Precision, PspnetError } from "@pspnet/core";
import { cudaAvailable, cudaProblem, exactInt8, fastBfloat16, gpuCount, setNumThreads } from "@pspnet/torch";

/** `cuda` is the first GPU. */
export type Device = "cpu" | "cuda" | `cuda:${number}`;

export interface EngineOptions {
  readonly device: "auto" | Device;
  /** fp16 on a GPU alone. */
  readonly precision: "auto" | Precision;
  /** Compute threads; 0: one per core. */
  readonly threads?: number;
}

/** Where the network computes, and in what arithmetic. */
export interface Engine {
  readonly device: Device;
  readonly precision: Precision;
}

const warned = new Set<string>();

/** Once: who asks for a precision in so many words gets it. */
function warn(text: string): void {
  if (warned.has(text)) return;
  warned.add(text);
  emitWarning(text, "PspnetWarning");
}

const SLOW_BFLOAT16 =
  "precision=bf16 is slower than fp32 here: the processor has no fast instructions for it, or ONEDNN_MAX_CPU_ISA forbids them; take precision=auto";

const NARROW_INT8 =
  "precision=int8 is less fast here than it can be, and keeps 7 bits of weights: the processor has no instructions for it (VNNI), or ONEDNN_MAX_CPU_ISA forbids them";

function takeThreads(threads: number): void {
  try {
    setNumThreads(threads);
  } catch (cause) {
    throw new PspnetError("usage", `threads=${threads}: ${(cause as Error).message}; 0 takes one per core`, { cause });
  }
}

/**
 * Settles "auto": the GPU when there is one, and bf16 only where the machine is fast at it. Asked for elsewhere, it works, with a warning.
 *
 * @throws PspnetError "environment" when a device is asked for that is not there, "usage" for more threads than any machine like this has
 * and for fp16 on a processor.
 */
export function openEngine({ device, precision, threads = 0 }: EngineOptions): Engine {
  if (device !== "auto" && device !== "cpu" && !cudaAvailable()) {
    throw new PspnetError(
      "environment",
      `device=${device}: ${cudaProblem()}; use device=cpu, or give a CUDA build of libtorch by LIBTORCH`,
    );
  }
  if (device.startsWith("cuda:") && Number(device.slice(5)) >= gpuCount()) {
    throw new PspnetError(
      "environment",
      `device=${device}: expected one of ${gpuCount()} GPUs; take cuda:0 or device=cuda`,
    );
  }
  if (threads > 0) takeThreads(threads);
  const chosen = device === "auto" ? (cudaAvailable() ? "cuda" : "cpu") : device;
  if (precision === "auto") return { device: chosen, precision: chosen !== "cpu" || fastBfloat16() ? "bf16" : "fp32" };
  if (precision === "fp16" && chosen === "cpu") {
    throw new PspnetError(
      "usage",
      "precision=fp16: expected device=cuda, found cpu; take precision=auto, bf16 or fp32",
    );
  }
  if (precision === "bf16" && chosen === "cpu" && !fastBfloat16()) warn(SLOW_BFLOAT16);
  return { device: chosen, precision };
}

/**
 * The engine of a network in int8, whose rest is float32. Where the processor has no instructions for it, it works, with a warning.
 *
 * @throws PspnetError as {@link openEngine}, and "usage" for a GPU.
 */
export function openInt8Engine({ device, threads }: Omit<EngineOptions, "precision">): Engine {
  if (device !== "auto" && device !== "cpu")
    throw new PspnetError(
      "usage",
      `precision=int8: expected device=cpu, found ${device}; take precision=auto for a GPU`,
    );
  const engine = openEngine({ device: "cpu", precision: "fp32", threads });
  if (!exactInt8()) warn(NARROW_INT8);
  return engine;
}
