import { cpus, totalmem } from "node:os";
import { cudaProblem, fastBfloat16, gpuCount, ncclProblem, numThreads, version } from "@pspnet/torch";
import { counted } from "../report/counted.js";
import { table } from "../report/table.js";
import { INSTALL_ONNX, onnxProblem, onnxVersion } from "../segment/onnxRuntime.js";
import { ffmpegVersion } from "../video/ffmpeg.js";
import { print, printJson } from "./terminal.js";

/** What the machine has, a line each; `mend` is the command for what is missing. */
interface Finding {
  readonly what: string;
  readonly found: string;
  readonly mend?: string;
}

export async function check({ json }: { readonly json?: true }): Promise<void> {
  const engine = libtorch();
  const findings = [...machine(), ...engine, onnx({ needed: engine.some(({ mend }) => mend) }), await ffmpeg()];
  if (json) printJson(findings);
  else {
    print(
      table(
        ["", "found"],
        findings.map(({ what, found }) => [what, found]),
      ),
    );
    for (const { mend } of findings) if (mend) print(mend);
  }
  if (findings.some(({ mend }) => mend)) process.exitCode = 1;
}

function machine(): Finding[] {
  return [
    { what: "node", found: process.versions.node },
    { what: "processor", found: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores` },
    { what: "memory", found: `${(totalmem() / 2 ** 30).toFixed(0)} GB` },
  ];
}

function libtorch(): Finding[] {
  try {
    return [
      { what: "libtorch", found: `${version()}, ${numThreads()} threads` },
      {
        what: "bf16",
        found: fastBfloat16()
          ? "fast, used by default"
          : "not fast on this processor, or forbidden by ONEDNN_MAX_CPU_ISA; fp32 is the default",
      },
      { what: "CUDA", found: cudaProblem() ?? `available, ${counted(gpuCount(), "GPU")}` },
      ...(cudaProblem() === null ? [{ what: "NCCL", found: ncclProblem() ?? "available" }] : []),
    ];
  } catch (error) {
    return [{ what: "libtorch", found: "not usable; training needs it", mend: (error as Error).message }];
  }
}

/** Whoever has libtorch can do without it, but one that is there and does not load is to be mended. */
function onnx({ needed }: { readonly needed: boolean }): Finding {
  const what = "onnxruntime-node";
  const version = onnxVersion();
  const problem = onnxProblem();
  if (problem === null) return { what, found: version ?? "of an unknown version" };
  if (version !== null) return { what, found: `${version}, not usable`, mend: problem };
  if (needed) return { what, found: "not installed; prediction without libtorch needs it", mend: problem };
  return { what, found: `not installed; \`${INSTALL_ONNX}\` for prediction without libtorch` };
}

/** For films alone. */
async function ffmpeg(): Promise<Finding> {
  const found = await ffmpegVersion().catch(() => "not usable; films need it: apt, brew or winget install ffmpeg");
  return { what: "ffmpeg", found };
}
