// The main job on the embedded default: make scenes, train a small PSPNet on them, score it, segment held-out scenes.
// Everything it does is the command line's, and the commands are shown as they run. `npm start -- budget=10m` sets keys of the training.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const scenes = "runs/scenes-data";
const overrides = process.argv.slice(2);

// Ctrl-C reaches the command too, which saves its work and says how to go on; this process waits for it.
process.on("SIGINT", () => {});

function pspnet(args, { capture = false } = {}) {
  process.stderr.write(`\n$ npx pspnet ${args.join(" ")}\n`);
  const command = join(root, "packages/pspnet/bin/pspnet.js");
  const { status, signal, stdout } = spawnSync(process.execPath, [command, ...args], {
    cwd: root,
    stdio: ["inherit", capture ? "pipe" : "inherit", "inherit"],
    encoding: "utf8",
  });
  if (status !== 0) process.exit(status ?? (signal ? 1 : 0));
  return stdout;
}

/** The newest run of the example: a second start makes `scenes-2`. */
function newestRun() {
  const runs = readdirSync(join(root, "runs")).filter((name) => /^scenes(-\d+)?$/.test(name));
  return runs
    .map((name) => join("runs", name))
    .sort((a, b) => statSync(join(root, b)).mtimeMs - statSync(join(root, a)).mtimeMs)[0];
}

const textOf = (run, file) => readFileSync(join(root, run, file), "utf8");

/** Whether oneDNN computes with AVX-512: the processor has it, and oneDNN's own variable does not forbid it. */
function hasAvx512() {
  const flags = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  return /\bavx512bw\b/.test(flags) && !/^(SSE41|AVX|AVX2\w*)$/i.test(process.env.ONEDNN_MAX_CPU_ISA ?? "");
}

/** Whether the score is what such a machine comes to, and what the run had to come to it. */
function explain(run, meanIoU) {
  const [machine, expected] = hasAvx512() ? ["with AVX-512", 0.8] : ["without AVX-512", 0.72];
  const { precision, threads } = JSON.parse(textOf(run, "environment.json"));
  const { batch, budget } = parse(textOf(run, "config.yaml"));
  const [step, , seconds] = textOf(run, "metrics.csv").trim().split("\n").at(-1).split(",").map(Number);
  const work = `${step * batch} images in ${Math.round(seconds)} s of training, ${Math.round((step * batch) / seconds)} a second (${precision}, ${threads} threads)`;
  const reached = `${100 * expected} % is what two cores ${machine} come to, at least`;
  if (meanIoU >= expected) return `${reached}; here: ${work}`;
  return `${reached}; this is less: ${work}. Was the machine busy? More time helps: npm start -- budget=10m${budget === null ? "" : `, it was ${budget}`}`;
}

if (!existsSync(join(root, scenes, "classes.json")))
  pspnet(["data", "make", "scenes", scenes, "--train", "1800", "--val", "120", "--size", "160"]);
pspnet(["train", "examples/scenes.yaml", ...overrides]);
const run = newestRun();
const weights = `${run}/weights/best.safetensors`;
const scores = JSON.parse(
  pspnet(["val", weights, "--data", scenes, "--out", `${run}/val`, "--json"], { capture: true }),
);
const held = [0, 1, 2, 3, 4, 5].map((i) => `${scenes}/val/images/0000${i}.png`);
pspnet(["predict", weights, ...held, "--out", `${run}/predictions`]);

process.stdout.write(`
mIoU on ${scores.images} held-out scenes: ${(100 * scores.meanIoU).toFixed(2)} % (pixel accuracy ${(100 * scores.pixelAccuracy).toFixed(2)} %)
(${explain(run, scores.meanIoU)})

pictures   ${run}/pictures/val-1.png ... (photograph, truth, prediction)
           ${run}/predictions/00000.overlay.png ...
report     ${run}/report.html
weights    ${weights}

The same on your own photographs, in mydata/{train,val}/{images,masks} with mydata/classes.json or --classes:

  npx pspnet data check mydata --classes background,cat,dog
  npx pspnet train examples/photos.yaml data.root=mydata data.classes=[background,cat,dog]
  npx pspnet predict runs/photos/weights/best.safetensors photo.jpg
`);
