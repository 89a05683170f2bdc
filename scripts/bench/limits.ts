/** A processor with fewer instructions than it has. */
import type { Instructions, Machine } from "./record.js";
import type { Level } from "./works.js";

/** What makes libtorch, ours and PyTorch's, do without the instructions beyond these. */
export function limitedTo(instructions: Instructions): NodeJS.ProcessEnv {
  if (instructions === "all") return {};
  const capability = instructions.startsWith("AVX2") ? { ATEN_CPU_CAPABILITY: "avx2" } : {};
  return { ONEDNN_MAX_CPU_ISA: instructions, ...capability };
}

/** Of a machine that is limited to these instructions. */
export function limitedLevel({ level }: Machine, instructions: Instructions): Level | null {
  if (instructions === "all") return level;
  return instructions.startsWith("AVX512") ? "avx512" : "avx2";
}
