import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Depth,
  PRECISIONS,
  type PredictionPrecision,
  type PSPNetConfig,
  PspnetError,
  pspnetConfig,
  type RuntimeName,
  randomWeights,
  type Size,
} from "@pspnet/core";
import { fastBfloat16 } from "@pspnet/torch";
import { type BenchReport, bench as measureAll } from "../bench/bench.js";
import { Progress } from "../report/progress.js";
import { table } from "../report/table.js";
import { onnxProblem } from "../segment/onnxRuntime.js";
import { libtorchProblem } from "../segment/openRuntime.js";
import { readWeights } from "../segment/readWeights.js";
import { interruptible, messages, print, printJson } from "./terminal.js";

interface BenchFlags {
  readonly layers: Depth;
  readonly classes: number;
  readonly width: number;
  readonly size: readonly Size[];
  readonly runtime?: readonly RuntimeName[];
  readonly precision?: readonly PredictionPrecision[];
  readonly rounds: number;
  readonly threads: number;
  readonly json?: true;
}

const NOTHING_TO_RUN_ON =
  "bench: expected libtorch or onnxruntime-node, found neither; `pspnet check` tells how to come by each";

export async function bench(file: string | undefined, flags: BenchFlags): Promise<void> {
  const runtimes = flags.runtime ?? runtimesHere();
  if (runtimes.length === 0) throw new PspnetError("environment", NOTHING_TO_RUN_ON);
  const precisions = flags.precision ?? (runtimes.includes("torch") && fastBfloat16() ? PRECISIONS : ["fp32"]);
  const folder = await mkdtemp(join(tmpdir(), "pspnet-bench-"));
  try {
    const weights = file ?? join(folder, "random.safetensors");
    if (file === undefined) await writeFile(weights, randomWeights(pspnetConfig(networkOf(flags))));
    const { config, quantisation } = (await readWeights(weights, { stream: messages })).description;
    if (precisions.includes("int8") && quantisation === undefined) refuseReal(file);
    const { rounds, threads, size: sizes } = flags;
    let progress: Progress | undefined;
    const onRound = (done: number, total: number) => {
      progress ??= new Progress(messages, { label: "bench", total });
      progress.update(done);
    };
    const report = await interruptible((signal) =>
      measureAll({ config, weights, runtimes, precisions, sizes, rounds, threads, signal, onRound }),
    );
    progress?.finish();
    if (flags.json) {
      const { classes, backbone } = config;
      const results = report.results.map((result) => ({ ...result, size: [result.size.height, result.size.width] }));
      printJson({ weights: file ?? null, backbone, classes, rounds, ...report, results });
    } else show(report, config);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Before processes are started that would say so one by one. */
function refuseReal(file: string | undefined): never {
  const found = file === undefined ? "a network of random weights" : `${file} without ranges`;
  const mend = "give weights that `pspnet quantise` made, or leave int8 out";
  throw new PspnetError("weights", `bench: precision=int8: expected weights with ranges, found ${found}; ${mend}`);
}

/** The network that the flags describe, its heads as narrow as the rest. */
function networkOf({ layers, classes, width }: BenchFlags) {
  const narrow = width < 64 ? { head: { channels: 8 * width }, auxiliary: { channels: 4 * width } } : {};
  return { classes, backbone: { layers, width }, ...narrow };
}

function runtimesHere(): RuntimeName[] {
  const torch: RuntimeName[] = libtorchProblem() === null ? ["torch"] : [];
  return onnxProblem() === null ? [...torch, "onnx"] : torch;
}

/** The kind of a backbone and its numbers, whatever they are: `resnet (layers 50, outputStride 8, width 64)`. */
export function backboneLine({ kind, ...fields }: { readonly kind: string }): string {
  const numbers = Object.entries(fields).filter(([, value]) => typeof value === "number");
  return numbers.length === 0 ? kind : `${kind} (${numbers.map(([name, value]) => `${name} ${value}`).join(", ")})`;
}

function show({ results, matrixProducts }: BenchReport, { backbone, classes }: PSPNetConfig): void {
  const rows = results.map((result) => [
    result.runtime,
    result.precision,
    `${result.size.height}x${result.size.width}`,
    result.milliseconds.toFixed(1),
    result.imagesPerSecond.toFixed(2),
    (result.peakMemory / 2 ** 20).toFixed(0),
    String(result.winograd),
    result.gmac.toFixed(1),
    result.teraflops.toFixed(3),
    (100 * result.share).toFixed(0),
  ]);
  const head = ["runtime", "precision", "size", "ms", "images/s", "peak MB", "Winograd", "GMAC", "TFLOP/s", "share %"];
  print(`PSPNet on ${backboneLine(backbone)}, ${classes} classes, pixels to labels, medians`);
  print(table(head, rows));
  print("Winograd: convolutions that are multiplied in its form, which the others' multiply-adds count as direct");
  print("share: of the fastest matrix product of that precision");
  for (const { runtime, precision, teraflops } of matrixProducts)
    print(`matrix product ${precision} (${runtime}): ${teraflops.toFixed(3)} TFLOP/s`);
}
