// Trainings of two ranks that lose one, or never come about: each must end within its time with one clear error, leave no process behind and
// nothing half-written, and go on to what the unbroken run came to, bit for bit.
//   npx tsx scripts/ranks/hostile.ts [--count 24] [--seed 1] [--only killed]
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { random, readSafetensors, writeScenes } from "pspnet";
import { readMetrics } from "../../packages/pspnet/src/report/metricsCsv.js";
import {
  type Ended,
  end,
  environment,
  freePort,
  launched,
  RankRun,
  reaches,
} from "../../packages/pspnet/test/support/rankRun.js";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "24" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});

const STEPS = 30;
/** Seconds: of ranks that are to be waited for in vain, and of others, which a busy machine may keep. */
const [TIMEOUT, PATIENCE] = [4, 60];
/** Seconds beyond the timeout: who is lost is asked for, and who hangs is ended. */
const AFTERWARDS = 40;
/** Seconds in which a command has started on a busy machine. */
const STARTING = 30;
const folder = mkdtempSync(join(tmpdir(), "pspnet-ranks-"));
const scenes = join(folder, "scenes");
await writeScenes({ folder: scenes, train: 12, val: 4, width: 72, height: 64, seed: 0 });
process.env.OMP_NUM_THREADS = "1";

const keys = (name: string, { timeout = PATIENCE, root = scenes } = {}) => [
  ...[`name=${name}`, `runs=${join(folder, "runs")}`, `data.root=${root}`, `timeout=${timeout}s`],
  ...["model.backbone.layers=18", "model.backbone.width=8", "model.head.channels=16", "model.auxiliary.channels=8"],
  ...["crop=57", "batch=4", "epochs=10", "validation.every=10", "workers=0", "precision=fp32", "saveEvery=0s"],
];
const folderOf = (name: string) => join(folder, "runs", name);

/** All that is wrong with what was seen; a word on it when nothing is. */
interface Outcome {
  readonly wrong: readonly string[];
  readonly seconds: number;
}

interface Broken {
  readonly name: string;
  readonly rank: number;
  readonly step: number;
  /** Milliseconds after that step. */
  readonly delay: number;
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const check = (holds: boolean, what: string): string[] => (holds ? [] : [what]);
const errors = (text: string) => text.split("\n").filter((line) => line.startsWith("pspnet: "));

/** What a file of weights holds, but for what was said about it. */
function tensorsIn(file: string): Map<string, string> {
  const { tensors } = readSafetensors(readFileSync(file));
  return new Map([...tensors].map(([name, tensor]) => [name, Buffer.from(tensor.float32().buffer).toString("base64")]));
}

/** Goes on with the run: nothing temporary is left, and weights, momentum and losses are those of the unbroken run. */
async function goesOn(name: string): Promise<string[]> {
  const { code, text } = await new RankRun([...keys(name), "ranks=2", "resume=true"]).ended;
  if (code !== 0) return [`resume: ended with ${code}: ${errors(text).join(" ")}`];
  const parts = readdirSync(folderOf(name), { recursive: true }).filter((file) => String(file).endsWith(".part"));
  const differences = ["weights/last.safetensors", "state/checkpoint.safetensors"].flatMap((file) => {
    const whole = tensorsIn(join(folderOf("whole"), file));
    const found = tensorsIn(join(folderOf(name), file));
    return [...whole].filter(([tensor, bytes]) => found.get(tensor) !== bytes).map(([tensor]) => `${file}: ${tensor}`);
  });
  const losses = async (run: string) =>
    JSON.stringify((await readMetrics(join(folderOf(run), "metrics.csv"))).map(({ seconds, ...row }) => row));
  return [
    ...check(parts.length === 0, `half-written: ${parts.join(", ")}`),
    ...check(differences.length === 0, `not the unbroken run's: ${differences.slice(0, 3).join(", ")}`),
    ...check((await losses(name)) === (await losses("whole")), "metrics.csv: other losses"),
  ];
}

/** One error, a code other than 0, nobody left. */
async function failed(run: RankRun, expected: RegExp, { within }: { readonly within: number }): Promise<Outcome> {
  const ranks = run.ranks();
  const from = performance.now();
  const late = setTimeout(() => process.kill(run.pid, "SIGKILL"), 1000 * (within + 30));
  const { code, text, at } = await run.ended;
  clearTimeout(late);
  const judged = judge({ code, text, seconds: (at - from) / 1000 }, expected, within);
  const gone = await end(ranks, 5000);
  for (const pid of ranks) if (!gone) process.kill(pid, "SIGKILL");
  return { ...judged, wrong: [...judged.wrong, ...check(gone, "a rank stayed behind")] };
}

/** Of two commands under a launcher, what is said by the one that is left. */
async function leftFails(left: RankRun, expected: RegExp, within: number): Promise<Outcome> {
  const from = performance.now();
  const { code, text, at } = await left.ended;
  return judge({ code, text, seconds: (at - from) / 1000 }, expected, within);
}

interface Failure extends Pick<Ended, "code" | "text"> {
  readonly seconds: number;
}

/** Whether a command failed as it should: soon, and by one error. */
function judge({ code, text, seconds }: Failure, expected: RegExp, within: number): Outcome {
  const told = errors(text);
  return {
    seconds,
    wrong: [
      ...check(code === 1, `ended with ${code}`),
      ...check(told.length === 1 && expected.test(told[0]), `said: ${told.join(" | ") || text.slice(-300)}`),
      ...check(seconds < within, `took ${seconds.toFixed(1)} s`),
    ],
  };
}

async function started({ name, step, delay }: Broken, timeout?: number): Promise<RankRun> {
  const run = new RankRun([...keys(name, { timeout }), "ranks=2"]);
  await reaches(run, folderOf(name), step);
  await sleep(delay);
  return run;
}

async function startedApart({ name, step, delay }: Broken, timeout?: number): Promise<RankRun[]> {
  const both = await launched(() => keys(name, { timeout }));
  await reaches(both[0], folderOf(name), step);
  await sleep(delay);
  return both;
}

const BROKEN: Readonly<Record<string, (broken: Broken) => Promise<Outcome>>> = {
  /** kill -9 of a rank of `ranks=2`. */
  async killed(broken) {
    const run = await started(broken);
    process.kill(run.ranks()[broken.rank], "SIGKILL");
    return failed(run, RegExp(`rank ${broken.rank}: its process ended: killed by SIGKILL; what was saved`), {
      within: 8,
    });
  },
  /** The same under a launcher: the other one says it. */
  async killedApart(broken) {
    const both = await startedApart(broken);
    both[broken.rank].child.kill("SIGKILL");
    return leftFails(both[1 - broken.rank], RegExp(`lost rank ${broken.rank}`), 8);
  },
  /** A rank that is there and does nothing. */
  async hangs(broken) {
    const run = await started(broken, TIMEOUT);
    process.kill(run.ranks()[broken.rank], "SIGSTOP");
    const expected = RegExp(`rank ${1 - broken.rank} lost rank ${broken.rank}: gone, or silent for ${TIMEOUT}s`);
    return failed(run, expected, { within: TIMEOUT + AFTERWARDS });
  },
  async hangsApart(broken) {
    const both = await startedApart(broken, TIMEOUT);
    both[broken.rank].child.kill("SIGSTOP");
    const found = await leftFails(both[1 - broken.rank], RegExp(`lost rank ${broken.rank}`), TIMEOUT + AFTERWARDS);
    both[broken.rank].child.kill("SIGKILL");
    await both[broken.rank].ended;
    return found;
  },
  /** kill -9 of the command that started the ranks: they save and end. */
  async orphaned(broken) {
    const run = await started(broken);
    const ranks = run.ranks();
    run.child.kill("SIGKILL");
    const from = performance.now();
    const gone = await end(ranks, 10_000);
    for (const pid of ranks) if (!gone) process.kill(pid, "SIGKILL");
    return { wrong: check(gone, "a rank stayed behind"), seconds: (performance.now() - from) / 1000 };
  },
  /** Ctrl-C, twice since one rank hangs: the second one waits for nobody. */
  async stopped(broken) {
    const run = await started(broken);
    const ranks = run.ranks();
    process.kill(ranks[broken.rank], "SIGSTOP");
    run.child.kill("SIGINT");
    await sleep(1100);
    const from = performance.now();
    run.child.kill("SIGINT");
    const { code, at } = await run.ended;
    const others = ranks.filter((_, rank) => rank !== broken.rank);
    const gone = await end(others, 2000);
    process.kill(ranks[broken.rank], "SIGCONT");
    const all = await end(ranks, 5000);
    const wrong = [
      ...check(code === 1, `ended with ${code}`),
      ...check(gone, "the rank that waited stayed behind"),
      ...check(all, "the rank that hung stayed behind when it went on"),
    ];
    return { wrong, seconds: (at - from) / 1000 };
  },
};

const other = join(folder, "other");
cpSync(scenes, other, { recursive: true });
const mask = readdirSync(other, { recursive: true }).find((file) => /train.*\.png$/.test(String(file)));
truncateSync(join(other, String(mask)), 40);

/** What never becomes a run: what each rank is given, and what each must say. */
const NEVER: Readonly<Record<string, () => Promise<Outcome>>> = {
  configuration: () =>
    disagree(
      (rank) => [...keys("never"), `lr=0.0${rank + 1}`],
      /expected one configuration on all ranks, but that of rank 1 is/,
    ),
  dataset: () =>
    disagree(
      (rank) => keys("never", rank === 1 ? { root: other } : {}),
      /expected one dataset on all ranks, but that of rank 1 is/,
    ),
  async world() {
    const port = String(await freePort());
    const places = [2, 3].map((size, rank) => environment({ rank, size, port }));
    return allFail(
      places.map((place) => new RankRun(keys("never", { timeout: TIMEOUT }), place)),
      /expected (a world of . ranks as another process does|. ranks within)|timed out|Connection|connect/,
    );
  },
  async port() {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { readonly port: number };
    const place = environment({ rank: 0, size: 2, port: String(port) });
    const found = await allFail([new RankRun(keys("never", { timeout: TIMEOUT }), place)], /address already in use/);
    server.close();
    return found;
  },
  async master() {
    const place = environment({ rank: 1, size: 2, port: String(await freePort()) });
    return allFail(
      [new RankRun(keys("never", { timeout: TIMEOUT }), place)],
      /rank 1 at tcp:.*(timed out|did not answer)/,
    );
  },
  async missing() {
    const place = environment({ rank: 0, size: 2, port: String(await freePort()) });
    return allFail([new RankRun(keys("never", { timeout: TIMEOUT }), place)], /these did not come: 1/);
  },
};

async function disagree(keysOf: (rank: number) => readonly string[], expected: RegExp): Promise<Outcome> {
  return allFail(await launched(keysOf), expected);
}

async function allFail(runs: readonly RankRun[], expected: RegExp): Promise<Outcome> {
  const from = performance.now();
  const wrong: string[] = [];
  for (const [rank, run] of runs.entries()) {
    const { code, text } = await run.ended;
    const told = errors(text);
    wrong.push(...check(code === 1 || code === 2, `${rank} ended with ${code}`));
    wrong.push(...check(told.length === 1 && expected.test(told[0]), `${rank} said: ${told.join(" | ") || text}`));
  }
  const seconds = (performance.now() - from) / 1000;
  const left = readdirSync(join(folder, "runs")).filter((name) => name.startsWith("never"));
  return {
    wrong: [
      ...wrong,
      ...check(left.length === 0, `left ${left}`),
      ...check(seconds < STARTING + PATIENCE, `took ${seconds} s`),
    ],
    seconds,
  };
}

const whole = await new RankRun([...keys("whole"), "ranks=2"]).ended;
if (whole.code !== 0) throw new Error(whole.text);
let failures = 0;
const slowest = new Map<string, number>();
function report(what: string, { wrong, seconds }: Outcome): void {
  const kind = what.split(" ")[0];
  slowest.set(kind, Math.max(slowest.get(kind) ?? 0, seconds));
  if (wrong.length > 0) failures++;
  console.log(
    `${wrong.length > 0 ? "FAILED" : "ok"} ${what}: ${seconds.toFixed(1)} s${wrong.map((line) => `\n  ${line}`).join("")}`,
  );
}

const kinds = Object.entries(BROKEN).filter(([kind]) => kind.startsWith(values.only));
for (let i = 0; i < Number(values.count) && kinds.length > 0; i++) {
  const [kind, breaks] = kinds[i % kinds.length];
  const draws = random(Number(values.seed), i);
  const rank = Math.floor(i / kinds.length) % 2;
  const broken = { name: `run-${i}`, rank, step: draws.integer(1, STEPS - 2), delay: draws.integer(0, 60) };
  const found = await breaks(broken);
  const wrong = [...found.wrong, ...(await goesOn(broken.name))];
  report(`${kind} rank ${rank} after step ${broken.step} and ${broken.delay} ms`, { ...found, wrong });
  rmSync(folderOf(broken.name), { recursive: true, force: true });
}
for (const [kind, never] of Object.entries(NEVER)) if (kind.startsWith(values.only)) report(kind, await never());
rmSync(folder, { recursive: true });
console.log(
  `${failures} failures; longest until all had ended: ${[...slowest].map(([kind, s]) => `${kind} ${s.toFixed(1)} s`).join(", ")}`,
);
if (failures > 0) process.exitCode = 1;
