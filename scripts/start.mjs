// The main job on the embedded default: set everything up, make scenes, train a small PSPNet on them, score it, segment held-out scenes.
// Everything it does is the command line's, and the commands are shown as they run. `npm start -- budget=10m` sets keys of the training.
// One that was broken off goes on with its run; with other keys than that it begins a run of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const scenes = "runs/scenes-data";
/** Which run this job trains, and with which keys, as long as it is not done. */
const journal = join(root, "runs", "npm-start.json");
const overrides = process.argv.slice(2);

const say = (text) => process.stderr.write(`${text}\n`);
const shellWord = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

let child = null;
let stopped = null;
// What was sent to npm alone comes here alone; Ctrl-C reaches the command too. It saves its work, and this process waits for it.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    stopped ??= signal;
    child?.kill(signal);
  });
}

/** Runs a program of this folder, and gives what it prints if that is captured. Ends as it does when it fails or is broken off. */
async function run(program, args, { capture = false } = {}) {
  if (stopped) breakOff(stopped);
  const stdio = ["inherit", capture ? "pipe" : "inherit", "inherit"];
  child = spawn(process.execPath, [join(root, program), ...args], { cwd: root, stdio });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  const [code] = await once(child, "close");
  if (stopped) breakOff(stopped);
  if (code !== 0) process.exit(code ?? 1);
  return text;
}

/** Ends as by the signal, which whoever started this takes for what it is. */
function breakOff(signal) {
  const again = ["npm start", ...(overrides.length > 0 ? ["--", ...overrides.map(shellWord)] : [])].join(" ");
  say(`\nBroken off. Run npm start again to go on from here:\n  ${again}`);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function pspnet(args, options) {
  say(`\n$ npx pspnet ${args.map(shellWord).join(" ")}`);
  return run("packages/pspnet/bin/pspnet.js", args, options);
}

/** What trains: the run of an earlier job that was broken off, if it saved something and the keys are not others now, or a new one. */
function placeTraining() {
  const before = existsSync(journal) ? JSON.parse(readFileSync(journal, "utf8")) : null;
  if (before !== null && existsSync(resolve(root, before.run, "state", "checkpoint.safetensors"))) {
    if (overrides.length === 0 || overrides.join("\n") === before.overrides.join("\n")) {
      say(`\n${before.run} was broken off: going on with it. To begin anew, delete it first`);
      return { ...before, resume: true };
    }
    say(`\n${before.run} was broken off, and begun with other keys: leaving it as it is`);
  }
  const keyOf = (key, otherwise) =>
    overrides.findLast((override) => override.startsWith(`${key}=`))?.slice(key.length + 1) ?? otherwise;
  const first = `${keyOf("runs", "runs")}/${keyOf("name", "scenes")}`;
  let run = first;
  for (let count = 2; existsSync(resolve(root, run)); count++) run = `${first}-${count}`;
  if (run !== first) say(`\n${first} exists: this run is ${run}`);
  return { run, overrides, resume: false };
}

/** Trains, and gives the run's folder. */
async function train() {
  const { run, overrides: keys, resume } = placeTraining();
  writeFileSync(journal, JSON.stringify({ run, overrides: keys }));
  const name = run.slice(run.lastIndexOf("/") + 1);
  const own = keys.filter((key) => !/^(name|resume)=/.test(key));
  const last = [...(name === "scenes" ? [] : [`name=${name}`]), ...(resume ? ["resume=true"] : [])];
  await pspnet(["train", "examples/scenes.yaml", ...own, ...last]);
  return run;
}

const textOf = (run, file) => readFileSync(resolve(root, run, file), "utf8");

/** Whether oneDNN computes with AVX-512: the processor has it, and oneDNN's own variable does not forbid it. */
function hasAvx512() {
  const flags = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  return /\bavx512bw\b/.test(flags) && !/^(SSE41|AVX|AVX2\w*)$/i.test(process.env.ONEDNN_MAX_CPU_ISA ?? "");
}

/** Whether the score is what such a machine comes to, and what the run had to come to it. */
async function explain(run, meanIoU) {
  const { parse } = await import("yaml");
  const [machine, expected] = hasAvx512() ? ["with AVX-512", 0.8] : ["without AVX-512", 0.72];
  const { precision, threads } = JSON.parse(textOf(run, "environment.json"));
  const { batch, budget } = parse(textOf(run, "config.yaml"));
  const [step, , seconds] = textOf(run, "metrics.csv").trim().split("\n").at(-1).split(",").map(Number);
  const work = `${step * batch} images in ${Math.round(seconds)} s of training, ${Math.round((step * batch) / seconds)} a second (${precision}, ${threads} threads)`;
  const reached = `${100 * expected} % is what two cores ${machine} come to, at least`;
  if (meanIoU >= expected) return `${reached}; here: ${work}`;
  return `${reached}; this is less: ${work}. Was the machine busy? More time helps: npm start -- budget=10m${budget === null ? "" : `, it was ${budget}`}`;
}

await run("scripts/setup.mjs", ["--require-libtorch"]);
if (!existsSync(join(root, scenes, "classes.json")))
  await pspnet(["data", "make", "scenes", scenes, "--train", "1800", "--val", "120", "--size", "160"]);
const folder = await train();
const weights = `${folder}/weights/best.safetensors`;
const scores = JSON.parse(
  await pspnet(["val", weights, "--data", scenes, "--out", `${folder}/val`, "--json"], { capture: true }),
);
const held = [0, 1, 2, 3, 4, 5].map((i) => `${scenes}/val/images/0000${i}.png`);
await pspnet(["predict", weights, ...held, "--out", `${folder}/predictions`]);
rmSync(journal);

process.stdout.write(`
mIoU on ${scores.images} held-out scenes: ${(100 * scores.meanIoU).toFixed(2)} % (pixel accuracy ${(100 * scores.pixelAccuracy).toFixed(2)} %)
(${await explain(folder, scores.meanIoU)})

pictures   ${folder}/pictures/val-1.png ... (photograph, truth, prediction)
           ${folder}/predictions/00000.overlay.png ...
report     ${folder}/report.html
weights    ${weights}

The same on your own photographs, in mydata/{train,val}/{images,masks} with mydata/classes.json or --classes:

  npx pspnet data check mydata --classes background,cat,dog
  npx pspnet train examples/photos.yaml data.root=mydata data.classes=[background,cat,dog]
  npx pspnet predict runs/photos/weights/best.safetensors photo.jpg
`);
