import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, platform, release, totalmem } from "node:os";
import { version } from "@pspnet/torch";
import { limitedTo } from "./limits.js";
import { type Instructions, type Machine, titleOf } from "./record.js";
import type { Level } from "./works.js";

const TOLD = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16"];

export function thisMachine(): Machine {
  const [{ model }] = cpus();
  const flags = cpuFlags();
  const instructions = TOLD.filter((name) => flags.has(name));
  return {
    processor: model.trim(),
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    libtorch: version(),
    level: levelOf(instructions),
    instructions: instructions.map((name) => name.toUpperCase()),
  };
}

function cpuFlags(): ReadonlySet<string> {
  const file = "/proc/cpuinfo";
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return new Set(/^flags\s*:(.*)$/m.exec(text)?.[1].trim().split(/\s+/));
}

function levelOf(flags: readonly string[]): Level | null {
  if (flags.includes("amx_bf16")) return "amx";
  if (flags.includes("avx512f")) return "avx512";
  return flags.includes("avx2") ? "avx2" : null;
}

/** Whether bfloat16 is fast with these instructions. */
export function fastBfloat16(instructions: Instructions): boolean {
  const script = 'import("@pspnet/torch").then(({ fastBfloat16 }) => console.log(fastBfloat16()))';
  const env = { ...process.env, ...limitedTo(instructions) };
  return spawnSync(process.execPath, ["-e", script], { env, encoding: "utf8" }).stdout.trim() === "true";
}

/** A file's name for it: amd-epyc-with-avx512-bf16-2-cores. */
export function nameOf(machine: Machine): string {
  const words = titleOf(machine)
    .toLowerCase()
    .replace(/\((r|tm)\)|\bcpu\b|@.*ghz/g, " ");
  return words.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}
