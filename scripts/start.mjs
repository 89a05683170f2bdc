// The main job on the embedded default: make scenes, train a small PSPNet on them, score it, segment held-out scenes.
// Everything it does is the command line's, and the commands are shown as they run. `npm start -- budget=10m` sets keys of the training.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

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

/** The widest instructions of the processor that oneDNN may use (its own variable caps them); null where it cannot be told. */
function instructions() {
  if (!existsSync("/proc/cpuinfo")) return null;
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1].split(" "));
  const levels = [
    ["AVX2", flags.has("avx2"), /^AVX2/],
    ["AVX-512", flags.has("avx512f"), /^AVX512_CORE(_VNNI)?$/],
    ["AVX-512 with bf16", flags.has("avx512_bf16"), /^AVX512_CORE_(BF16|FP16)$/],
    ["AMX", flags.has("amx_bf16"), /AMX/],
  ];
  const cap = levels.findIndex(([, , name]) => name.test(process.env.ONEDNN_MAX_CPU_ISA ?? ""));
  return levels.filter(([, has], i) => has && (cap < 0 || i <= cap)).at(-1)?.[0] ?? null;
}

/** What the run had to do its work with, and how much work that was. */
function describeRun(run, seconds) {
  const { precision, threads } = JSON.parse(readFileSync(join(root, run, "environment.json"), "utf8"));
  const lines = readFileSync(join(root, run, "metrics.csv"), "utf8")
    .trim()
    .split("\n");
  const steps = Number(lines.at(-1).split(",")[0]);
  const batch = Number(/^batch: (\d+)$/m.exec(readFileSync(join(root, run, "config.yaml"), "utf8"))[1]);
  const engine = [instructions(), precision, `${threads} threads`].filter(Boolean).join(", ");
  const images = steps * batch;
  const minutes = `${Math.floor(seconds / 60)}m${String(Math.floor(seconds % 60)).padStart(2, "0")}s`;
  return `${engine}: ${images} images seen in ${minutes}, ${Math.round(images / seconds)} a second, validations included`;
}

if (!existsSync(join(root, scenes, "classes.json")))
  pspnet(["data", "make", "scenes", scenes, "--train", "1800", "--val", "120", "--size", "160"]);
const start = performance.now();
pspnet(["train", "examples/scenes.yaml", ...overrides]);
const seconds = (performance.now() - start) / 1000;
const run = newestRun();
const weights = `${run}/weights/best.safetensors`;
const scores = JSON.parse(
  pspnet(["val", weights, "--data", scenes, "--out", `${run}/val`, "--json"], { capture: true }),
);
const held = [0, 1, 2, 3, 4, 5].map((i) => `${scenes}/val/images/0000${i}.png`);
pspnet(["predict", weights, ...held, "--out", `${run}/predictions`]);

process.stdout.write(`
mIoU on ${scores.images} held-out scenes: ${(100 * scores.meanIoU).toFixed(2)} % (pixel accuracy ${(100 * scores.pixelAccuracy).toFixed(2)} %)
with ${describeRun(run, seconds)}
(two cores at rest: EXPECTED; more with more time: npm start -- budget=10m epochs=EPOCHS)

pictures   ${run}/pictures/val-1.png ... (photograph, truth, prediction)
           ${run}/predictions/00000.overlay.png ...
report     ${run}/report.html
weights    ${weights}

The same on your own photographs, in mydata/{train,val}/{images,masks} with mydata/classes.json or --classes:

  npx pspnet data check mydata --classes background,cat,dog
  npx pspnet train examples/photos.yaml data.root=mydata data.classes=[background,cat,dog]
  npx pspnet predict runs/photos/weights/best.safetensors photo.jpg
`);
