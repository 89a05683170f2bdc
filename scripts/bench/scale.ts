// What it costs to train on more ranks: steps on 1, 2 and 4 ranks over a network that is as slow as is wanted, beside the model that says what
// many more would cost. Writes docs/scale/<machine>.json and .svg and its part of docs/scale.md. What the JSON has already is kept.
//   npx tsx scripts/bench/scale.ts [--rows two,two-1gbit] [--rounds 4] [--again] [--quick] [--gpu-step 0.5 --gpu-batch 16 --gpu-what "an H200"]
// As root on Linux each rank gets a network namespace, with its rate and delay by `tc`; else all share the loopback, and rows with a rate are left out.
// Leave the machine alone meanwhile. A row takes half a minute to two minutes on two cores.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nameOf, thisMachine } from "./machine.js";
import { loopback, makeNetwork, type TestNetwork } from "./network.js";
import { RankProcess } from "./rankProcess.js";
import { scaleSvg } from "./scaleChart.js";
import { withScale } from "./scaleMarkdown.js";
import { type Case, type Measured, type Row, type ScaleRecord, summary, type WireError } from "./scaleRecord.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A network so small that sending matters. */
const small: Case = {
  layers: 18,
  size: 129,
  batch: 2,
  ranks: 2,
  threads: 1,
  wire: "fp32",
  bucket: 25,
  link: {},
  steps: 2,
};
const large: Case = { ...small, layers: 50, size: 473, batch: 1, steps: 2 };
const gigabit = { rate: "1gbit" };

const CASES: Readonly<Record<string, Case>> = {
  one: { ...small, ranks: 1 },
  two: small,
  four: { ...small, ranks: 4 },
  "two-1gbit": { ...small, link: gigabit },
  "four-1gbit": { ...small, ranks: 4, link: gigabit },
  "two-100mbit": { ...small, link: { rate: "100mbit" } },
  "two-1gbit-bf16": { ...small, link: gigabit, wire: "bf16" },
  "two-1gbit-5mib": { ...small, link: gigabit, bucket: 5 },
  "two-1gbit-100mib": { ...small, link: gigabit, bucket: 100 },
  "two-1gbit-batch-8": { ...small, link: gigabit, batch: 8 },
  "two-1gbit-1ms": { ...small, link: { ...gigabit, delay: "1ms" } },
  "large-two": { ...large, beside: true },
  "large-two-1gbit": { ...large, link: gigabit },
  // Where the model's tables begin: a rank that has a machine to itself, with gradients in small pieces that are put together.
  machine: { ...large, batch: 2, ranks: 1, threads: 2, bucket: 1 },
};

/** What bfloat16 on the wire loses. */
const WIRE: Readonly<Record<string, Case>> = {
  "wire-2": small,
  "wire-4": { ...small, ranks: 4 },
};

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: Object.keys({ ...CASES, ...WIRE }).join(",") },
    rounds: { type: "string", default: "4" },
    again: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    out: { type: "string", default: join(ROOT, "docs/scale") },
    "gpu-step": { type: "string" },
    "gpu-batch": { type: "string" },
    "gpu-what": { type: "string" },
  },
});
const wanted = values.rows.split(",").filter(Boolean);
const unknown = wanted.find((id) => !CASES[id] && !WIRE[id]);
if (unknown !== undefined) {
  console.error(
    `scale.ts: --rows: expected some of ${Object.keys({ ...CASES, ...WIRE }).join(", ")}, found ${unknown}`,
  );
  process.exit(2);
}

// Namespaces outlive whoever made them.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const machine = thisMachine();
const name = nameOf(machine);
const file = join(values.out, `${name}.json`);
mkdirSync(values.out, { recursive: true });
const before: Partial<ScaleRecord> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
let record: ScaleRecord = { ...before, machine, rows: before.rows ?? {}, wire: before.wire ?? {} };
if (values["gpu-step"]) {
  const gpu = {
    seconds: Number(values["gpu-step"]),
    batch: Number(values["gpu-batch"]),
    what: values["gpu-what"] ?? "",
  };
  record = { ...record, gpu };
}
for (const id of wanted) {
  const done = record.rows[id] ?? record.wire[id];
  if (done && !values.again) continue;
  if (WIRE[id]) {
    const error = await withRanks(WIRE[id], loopback, async (all) => (await all("wireError"))[0] as WireError);
    record = { ...record, wire: { ...record.wire, [id]: { case: WIRE[id], error } } };
  } else {
    const row = await measure(id, CASES[id]);
    if (row) record = { ...record, rows: { ...record.rows, [id]: row } };
  }
  await write();
}
await write();

async function write(): Promise<void> {
  const order = Object.keys(CASES).filter((id) => record.rows[id]);
  record = { ...record, rows: Object.fromEntries(order.map((id) => [id, record.rows[id]])) };
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  writeFileSync(join(values.out, `${name}.svg`), await scaleSvg(record));
  const page = `${values.out}.md`;
  writeFileSync(page, withScale(readFileSync(page, "utf8"), { name, record }));
}

/** Null where the network cannot be as slow as the case wants it. */
async function measure(id: string, wanted: Case): Promise<Row | null> {
  const network = networkFor(id, wanted);
  if (network === null) return null;
  const given = values.quick ? { ...wanted, steps: 1 } : wanted;
  const found = await withRanks(given, network, (all) =>
    given.beside ? withRanks(inOne(given), loopback, (one) => takeTurns(all, one)) : takeTurns(all),
  );
  const about = { case: wanted, date: new Date().toISOString(), commit: commit() };
  const row: Row = { ...about, network: network === loopback ? "loopback" : "namespaces", ...summary(found) };
  console.error(`${id}: alone ${row.alone.toFixed(3)} s, together ${row.together.toFixed(3)} s`);
  return network === loopback ? shared(row) : row;
}

/** One rank with the threads and samples of all. */
function inOne({ ranks, threads, batch, ...rest }: Case): Case {
  return { ...rest, ranks: 1, threads: ranks * threads, batch: ranks * batch };
}

/** Asks processes for the same, and gathers what each says. */
type Ask = (line: string) => Promise<unknown[]>;

/** Kinds of steps in turns, of all ranks and of `one` that has as much as they; at last collectives by themselves. */
async function takeTurns(all: Ask, one?: Ask): Promise<Measured> {
  const turns: Record<"alone" | "gathered" | "together" | "beside", unknown[][]> = {
    alone: [],
    gathered: [],
    together: [],
    beside: [],
  };
  for (let round = 0; round < (values.quick ? 1 : Number(values.rounds)); round++) {
    for (const [kind, steps] of Object.entries(turns)) {
      const found = kind !== "beside" ? await all(kind) : one ? await one("alone") : [];
      for (const [rank, more] of found.entries()) steps[rank] = [...(steps[rank] ?? []), ...(more as [])];
    }
  }
  return { ...turns, probe: await all("probe") } as unknown as Measured;
}

/** Starts the ranks of a case, which answer what `all` asks them, and ends them. */
async function withRanks<R>(wanted: Case, network: TestNetwork, work: (all: Ask) => Promise<R>): Promise<R> {
  const store = `tcp://${network.address}:${await freePort()}`;
  const ranks = Array.from({ length: wanted.ranks }, (_, rank) => new RankProcess(network, wanted, { rank, store }));
  try {
    await Promise.all(ranks.map((rank) => rank.answer()));
    return await work((line) => Promise.all(ranks.map((rank) => rank.ask(line))));
  } finally {
    for (const rank of ranks) rank.end();
    network.dispose();
  }
}

function networkFor(id: string, { ranks, link }: Case): TestNetwork | null {
  try {
    return makeNetwork(ranks, link);
  } catch (error) {
    const { message } = error as Error;
    const plain = link.rate === undefined && link.delay === undefined;
    console.error(`${id}: ${message}; ${plain ? "on the loopback instead" : "left out"}`);
    return plain ? loopback : null;
  }
}

/** What all ranks sent over one interface, as if each had its own. */
function shared(row: Row): Row {
  return { ...row, sent: row.sent / row.case.ranks, received: row.received / row.case.ranks };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Of this clone; `+` where files differ from it. */
function commit(): string {
  const git = (...words: string[]) => spawnSync("git", words, { cwd: ROOT, encoding: "utf8" }).stdout.trim();
  return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") ? "+" : "");
}
