// What a user of the published packages sees: packs them, installs the tarballs with onnxruntime-node in an
// empty folder, where libtorch's addon is not built, and segments a photograph with five lines of TypeScript. Needs npm's registry.
//   node scripts/packed.mjs [weights.safetensors photo.jpg]
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const packages = ["checkpoints", "core", "scenes", "torch", "pspnet"];

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

/** No Python, no libtorch, no other program: the example's own folder is all of the path. */
const bare = { PATH: ".", HOME: process.env.HOME ?? "" };

function say(line) {
  process.stdout.write(`${line}\n`);
}

function command(name, args, { cwd, env = process.env }) {
  say(`$ ${[basename(name), ...args.map((arg) => basename(arg))].join(" ")}`);
  const { status, stdout, error } = spawnSync(name, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status === 0) return stdout;
  process.stdout.write(stdout ?? "");
  throw new Error(`${name} ended with ${error?.message ?? status}`);
}

function install(folder) {
  const tarballs = packages.map((name) => {
    const made = command("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: join(root, "packages", name),
    });
    return join(folder, JSON.parse(made)[0].filename);
  });
  for (const file of tarballs) say(`  ${basename(file)}: ${(statSync(file).size / 1024).toFixed(0)} kB`);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  command("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], { cwd: folder });
  const { version } = JSON.parse(
    readFileSync(join(folder, "node_modules", "onnxruntime-node", "package.json"), "utf8"),
  );
  say(`  onnxruntime-node ${version}`);
  const addons = readdirSync(join(folder, "node_modules", "@pspnet", "torch"), { recursive: true });
  if (addons.some((file) => file.endsWith(".node")))
    throw new Error("the tarball of @pspnet/torch holds a built addon");
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

const folder = mkdtempSync(join(tmpdir(), "pspnet-packed-"));
try {
  say(`in ${folder}`);
  install(folder);
  await prepare(
    folder,
    process.argv.slice(2).map((file) => resolve(file)),
  );
  say(EXAMPLE.replace(/^/gm, "  ").trimEnd());
  const tools = join(root, "node_modules");
  command(process.execPath, [join(tools, "typescript", "lib", "tsc.js"), "--project", folder], { cwd: folder });
  const start = performance.now();
  const printed = command(process.execPath, [join(tools, "tsx", "dist", "cli.mjs"), "segment.ts"], {
    cwd: folder,
    env: bare,
  });
  say(printed.replace(/^/gm, "  ").trimEnd());
  say(`${((performance.now() - start) / 1000).toFixed(1)} s, process and loading included`);
  if (!/ on onnx$/m.test(printed)) throw new Error("expected the network to run on onnx");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
