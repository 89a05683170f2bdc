// Makes the network in the box, packages/scenes/model/scenes.safetensors: draws scenes, trains a small PSPNet on them, writes its weights
// in half precision, scores those on scenes that were held out, and stores the score in the file. The steps are the command line's, and
// are shown as they run. One that was broken off goes on with `npm run box -- resume=true`; other keys of the training are taken too.
//   npm run box -- budget=60m
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const scenes = "runs/box-data";
const model = "packages/scenes/model/scenes.safetensors";
const LARGEST = 4_000_000;

function pspnet(...args) {
  process.stderr.write(`\n$ npx pspnet ${args.join(" ")}\n`);
  const command = join(root, "packages", "pspnet", "bin", "pspnet.js");
  const { status } = spawnSync(process.execPath, [command, ...args], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(root, scenes, "classes.json")))
  pspnet("data", "make", "scenes", scenes, "--train", "2400", "--val", "150", "--size", "240x320");
pspnet("train", "packages/scenes/model/train.yaml", ...process.argv.slice(2));
pspnet("export", "runs/box/weights/best.safetensors", "--to", "safetensors", "--dtype", "fp16", "--out", model);
pspnet("val", model, "--data", scenes, "--precision", "fp32", "--store");

const bytes = readFileSync(join(root, model));
if (bytes.length > LARGEST)
  throw new Error(`${model}: expected at most ${LARGEST} bytes, found ${bytes.length}; make the network narrower`);
const { parseDescription, readSafetensors } = await import("@pspnet/core");
const { score } = parseDescription(readSafetensors(bytes).metadata);
process.stderr.write(
  `\nIn packages/pspnet/src/pull/boxed.ts it is listed with score: ${(100 * score.meanIoU).toFixed(2)}\n`,
);
