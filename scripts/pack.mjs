// Makes the tarballs that npm's registry would get, of built packages, into a folder: the five of the workspace, in pspnet's the page that
// its server shows, and with --arch those that bring libtorch compiled (platformPackage.mjs), of which @pspnet/torch has npm install the
// one that fits.
//   node scripts/pack.mjs [--arch x64] [--arch arm64] [--out tarballs]
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "vite";
import { archs, makePlatformPackage, platformPackageName } from "./platformPackage.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");

/** What a tarball has otherwise than the package in the workspace, to whom it is of no use. */
const differences = { torch: namePlatformPackages, pspnet: bundleCharts };

const NODE = ["checkpoints", "core", "scenes", "torch", "pspnet"];

/** Makes the tarballs in `out`, which exists, and returns their paths. */
export async function makeTarballs({ out, arch = [], packages = NODE }) {
  if (packages.includes("pspnet"))
    await build({ root: join(root, "packages", "web", "demo"), mode: "served", logLevel: "warn" });
  const tarballs = packages.map((name) => packWorkspace(name, out));
  for (const each of arch) tarballs.push(await makePlatformPackage({ arch: each, out }));
  return tarballs;
}

function packWorkspace(name, out) {
  const source = join(root, "packages", name);
  const staged = mkdtempSync(join(tmpdir(), "pspnet-pack-"));
  try {
    for (const { path } of npmPack(source, "--dry-run").files) cpSync(join(source, path), join(staged, path));
    differences[name]?.(staged);
    return join(out, npmPack(staged, "--pack-destination", resolve(out)).filename);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** npm 11 answers with an object of tarballs by name, others with an array. */
function npmPack(folder, ...flags) {
  const args = ["pack", "--json", "--ignore-scripts", ...flags];
  const { status, stdout, stderr, error } = spawnSync("npm", args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`npm ${args.join(" ")} in ${folder}: ${error?.message ?? stderr}`);
  return Object.values(JSON.parse(stdout))[0];
}

function editManifest(folder, edit) {
  const file = join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  edit(manifest);
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The workspace cannot name them: \`npm ci\` fails on an optional package that no lock file has. */
function namePlatformPackages(folder) {
  editManifest(folder, (manifest) => {
    manifest.optionalDependencies = Object.fromEntries(
      archs.map((arch) => [platformPackageName(arch), manifest.version]),
    );
  });
}

/** The parts of echarts that charts are drawn with, in one file, for 68 MB of packages. */
function bundleCharts(folder) {
  const file = join(folder, "dist", "report", "echarts.js");
  const flags = [
    "--bundle",
    "--format=esm",
    "--platform=node",
    "--minify",
    "--legal-comments=eof",
    "--allow-overwrite",
  ];
  const source = join(root, "packages", "pspnet", "dist", "report", "echarts.js");
  const { status, stderr, error } = spawnSync(
    join(modules, ".bin", "esbuild"),
    [source, ...flags, `--outfile=${file}`],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`esbuild ${source}: ${error?.message ?? stderr}`);
  for (const end of [".js.map", ".d.ts.map"]) rmSync(join(folder, "dist", "report", `echarts${end}`));
  for (const [name, files] of Object.entries({ echarts: ["LICENSE", "NOTICE"], zrender: ["LICENSE"] })) {
    for (const each of files) cpSync(join(modules, name, each), join(folder, "dist", "report", "licenses", name, each));
  }
  editManifest(folder, ({ dependencies }) => delete dependencies.echarts);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = {
    arch: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: "tarballs" },
  };
  const { arch, out } = parseArgs({ options }).values;
  const unknown = arch.find((each) => !archs.includes(each));
  if (unknown) throw new Error(`--arch: expected ${archs.join(" or ")}, found ${unknown}`);
  mkdirSync(out, { recursive: true });
  for (const file of await makeTarballs({ out, arch })) {
    process.stdout.write(`${basename(file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
  }
}
