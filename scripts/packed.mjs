// What a user of the published packages sees, from what npm's registry would get, in an empty folder, with Node and npm alone on the path:
// makes the packages, installs them, draws scenes, trains a small network on them, segments photographs with it and with five lines of
// TypeScript; and does the latter on onnxruntime-node once more, without the package that brings libtorch. Needs npm's registry and what
// platformPackage.mjs needs.
//   node scripts/packed.mjs [weights.safetensors photo.jpg]
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { makeTarballs } from "./pack.mjs";
import { platformPackageName } from "./platformPackage.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const EXAMPLE = `import { load } from "pspnet";
await using net = await load("weights.safetensors");
const { labels, areas } = await net.segment("photo.png");
console.log(\`\${labels.width}x\${labels.height} on \${net.runtime}\`);
for (const { name, share } of areas) console.log(\`\${name}: \${(100 * share).toFixed(1)} %\`);
`;

const TSCONFIG = {
  compilerOptions: {
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    strict: true,
    noEmit: true,
  },
  files: ["segment.ts"],
};

/** A network of few channels: what is shown is that it trains. */
const RUN = `name: small
data: { root: scenes }
model: { backbone: { layers: 18, width: 16 }, head: { channels: 32 }, auxiliary: { channels: 16 } }
crop: 97
batch: 4
epochs: 2
`;

function say(line) {
  process.stdout.write(`${line}\n`);
}

const indented = (text) => text.trimEnd().replace(/^/gm, "  ");

/** Runs a program in the folder with nothing but its `bin` on the path. */
function command(folder, name, args) {
  say(`$ ${[basename(name), ...args.map((arg) => basename(arg))].join(" ")}`);
  const { status, stdout, error } = spawnSync(name, args, {
    cwd: folder,
    env: { ...process.env, PATH: join(folder, "bin") },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status === 0) return stdout;
  process.stdout.write(stdout ?? "");
  throw new Error(`${name} ended with ${error?.message ?? status}`);
}

const npm = (folder, ...args) =>
  command(folder, join(folder, "bin", "npm"), [...args, "--no-audit", "--no-fund", "--ignore-scripts"]);

function onPath(name) {
  for (const folder of process.env.PATH.split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {}
  }
  throw new Error(`${name}: expected it on PATH, found it nowhere`);
}

/** Megabytes that a folder takes. */
function weight(folder) {
  const bytes = readdirSync(folder, { recursive: true }).map((name) => lstatSync(join(folder, name)).size);
  return `${(bytes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(0)} MB`;
}

async function install(folder) {
  mkdirSync(join(folder, "bin"));
  symlinkSync(process.execPath, join(folder, "bin", "node"));
  symlinkSync(onPath("npm"), join(folder, "bin", "npm"));
  const tarballs = await makeTarballs({ out: folder, arch: [process.arch] });
  for (const file of tarballs) say(`  ${basename(file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  npm(folder, "install", ...tarballs);
  const modules = join(folder, "node_modules");
  say(
    `  node_modules: ${weight(modules)}, of them libtorch ${weight(join(modules, platformPackageName(process.arch)))}`,
  );
}

/** What is given, or a network that knows nothing and a drawn scene. */
async function prepare(folder, [weights, photograph]) {
  const place = pathToFileURL(join(folder, "node_modules", "pspnet", "dist", "index.js")).href;
  const { encodePng, makeScene, pspnetConfig, randomWeights, readImage } = await import(place);
  const { image } = makeScene({ width: 473, height: 353, seed: 1, index: 0 });
  const config = pspnetConfig({ classes: 16, layers: 18, aux: false });
  if (weights) copyFileSync(weights, join(folder, "weights.safetensors"));
  else writeFileSync(join(folder, "weights.safetensors"), randomWeights(config));
  writeFileSync(join(folder, "photo.png"), await encodePng(photograph ? await readImage(photograph) : image));
  writeFileSync(join(folder, "segment.ts"), EXAMPLE);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
}

/** Draws scenes, trains on them and segments with what came of it. */
function trainAndPredict(folder) {
  const pspnet = (...args) =>
    say(indented(command(folder, process.execPath, [join("node_modules", "pspnet", "bin", "pspnet.js"), ...args])));
  pspnet("data", "make", "scenes", "scenes", "--train", "32", "--val", "8", "--size", "160x120");
  writeFileSync(join(folder, "run.yaml"), RUN);
  pspnet("train", "run.yaml");
  const run = join("runs", "small");
  // By name, though a folder is called so too.
  pspnet("predict", "scenes", "photo.png", "--out", "boxed");
  for (const file of ["report.html", "curves.png"]) statSync(join(folder, run, file));
  pspnet("predict", join(run, "weights", "best.safetensors"), "photo.png", "--runtime", "torch", "--out", "results");
  pspnet("check");
}

function segment(folder, runtime) {
  const start = performance.now();
  const program = join(root, "node_modules", "tsx", "dist", "cli.mjs");
  const printed = command(folder, process.execPath, [program, "segment.ts"]);
  say(indented(printed));
  say(`${((performance.now() - start) / 1000).toFixed(1)} s, process and loading included`);
  if (!printed.includes(` on ${runtime}\n`)) throw new Error(`expected the network to run on ${runtime}`);
}

const folder = mkdtempSync(join(tmpdir(), "pspnet-packed-"));
try {
  say(`in ${folder}`);
  await install(folder);
  await prepare(
    folder,
    process.argv.slice(2).map((file) => resolve(file)),
  );
  trainAndPredict(folder);
  say(indented(EXAMPLE));
  command(folder, process.execPath, [join(root, "node_modules", "typescript", "lib", "tsc.js"), "--project", folder]);
  segment(folder, "torch");
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "packages", "pspnet", "package.json"), "utf8"));
  npm(folder, "install", `onnxruntime-node@${peerDependencies["onnxruntime-node"]}`);
  rmSync(join(folder, "node_modules", platformPackageName(process.arch)), { recursive: true });
  segment(folder, "onnx");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
