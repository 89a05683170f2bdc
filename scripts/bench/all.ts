// Ours and the peers in turns: what docs/benchmarks.md shows of a machine. What its JSON has already is kept, so that a run that was
// broken off goes on. Leave the machine alone meanwhile; all of it takes about a quarter of an hour on two cores, and 12 GB of memory.
//   npx tsx scripts/bench/all.ts [--rows image-fp32,step-bf16] [--rounds 3] [--isa all,AVX2,AVX512_CORE] [--python peers/bin/python] [--before ../before]
//     [--again] [--quick] [--out docs/benchmarks] [--name amd-epyc-with-avx2-2-cores]
// --python has scripts/peers/requirements.txt; what it lacks is left out by name. --before is a clone of commit 7bdec6e, set up and built.
// --quick is one round of one run each: to see that all works. --isa limits the instructions of libtorch, ours and PyTorch's.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encodePng, makeScene, pspnetConfig, randomWeights } from "pspnet";
import { benchmarksSvg } from "./chart.js";
import { limitedTo } from "./limits.js";
import { fastBfloat16, nameOf, thisMachine } from "./machine.js";
import { withMachines } from "./markdown.js";
import { measure } from "./measure.js";
import { type MachineRecord, readRecord, withWork } from "./record.js";
import { BEFORE, type Case, INT8, WORKS } from "./works.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    rows: { type: "string", default: WORKS.map(({ id }) => id).join(",") },
    rounds: { type: "string", default: "3" },
    isa: { type: "string", default: "all" },
    python: { type: "string", default: "python3" },
    before: { type: "string" },
    again: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(ROOT, "docs/benchmarks") },
    name: { type: "string" },
  },
});
const wanted = values.rows.split(",");
const unknown = wanted.find((id) => !WORKS.some((work) => work.id === id));
if (unknown !== undefined) {
  console.error(`all.ts: --rows: expected some of ${WORKS.map(({ id }) => id).join(", ")}, found ${unknown}`);
  process.exit(2);
}
const machine = thisMachine();
const name = values.name ?? nameOf(machine);
const file = join(values.out, `${name}.json`);
mkdirSync(values.out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "pspnet-bench-"));
let record: MachineRecord = { machine, measured: readRecord(file)?.measured ?? {} };
try {
  for (const instructions of values.isa.split(",")) await measureWith(instructions);
  await write();
} finally {
  rmSync(folder, { recursive: true });
}

async function measureWith(instructions: string): Promise<void> {
  const bfloat16 = fastBfloat16(instructions);
  for (const work of WORKS) {
    if (!wanted.includes(work.id) || (work.precision === "bf16" && !bfloat16)) continue;
    if (!values.again && record.measured[instructions]?.[work.id]) continue;
    const cases = await measure(work, {
      rounds: values.quick ? 1 : Math.min(Number(values.rounds), work.rounds ?? Number.POSITIVE_INFINITY),
      runs: values.quick ? 1 : work.runs,
      env: limitedTo(instructions),
      place,
      leftOut: ({ unlimited }: Case) =>
        unlimited && instructions !== "all" ? "it cannot be limited to these instructions" : undefined,
      onTurn: (text) => console.error(`${instructions}, ${text}`),
    });
    const measured = { date: new Date().toISOString(), commit: commit(), cases };
    record = withWork(record, { instructions, work: work.id, measured });
    await write();
  }
}

async function write(): Promise<void> {
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  writeFileSync(join(values.out, `${name}.svg`), await benchmarksSvg(record));
  const page = `${values.out}.md`;
  const files = readdirSync(values.out).filter((name) => name.endsWith(".json"));
  const records = new Map(files.sort().map((name) => [basename(name, ".json"), readRecord(join(values.out, name))!]));
  writeFileSync(page, withMachines(readFileSync(page, "utf8"), records));
}

/** What stands on this machine for a word of a command. */
async function place(word: string): Promise<string | { readonly missing: string }> {
  if (word === "python") return values.python;
  if (word === BEFORE) return values.before ?? { missing: "--before was not given" };
  return word === INT8 ? quantised() : word;
}

/** A file of random weights in int8, made once. */
async function quantised(): Promise<string> {
  const [out, real, scene] = [INT8, "net.safetensors", "scene.png"].map((name) => join(folder, name));
  if (existsSync(out)) return out;
  writeFileSync(real, randomWeights(pspnetConfig({ layers: 50, classes: 150, aux: false })));
  writeFileSync(scene, await encodePng(makeScene({ width: 473, height: 473, seed: 0, index: 0 }).image));
  const words = [join(ROOT, "packages/pspnet/bin/pspnet.js"), "quantise", real, "--images", scene, "--out", out];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`pspnet quantise: ${stderr}`);
  return out;
}

/** Of this clone; `+` where files differ from it. */
function commit(): string {
  const git = (...words: string[]) => spawnSync("git", words, { cwd: ROOT, encoding: "utf8" }).stdout.trim();
  return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") ? "+" : "");
}
