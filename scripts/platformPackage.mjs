// Makes the package that brings libtorch's addon by npm alone, for one kind of machine: the addon, compiled here, and those libraries
// of the pinned wheel that it needs, with their licences. Needs Linux, a C++20 compiler and binutils; for the other processor those for
// it (Debian: apt install g++-aarch64-linux-gnu; then --arch arm64 with CXX=aarch64-linux-gnu-g++ STRIP=aarch64-linux-gnu-strip).
//   node scripts/platformPackage.mjs [--arch x64|arm64] [--out folder]
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { buildBeside } from "../packages/torch/native/build.mjs";
import { fetchMembers, libtorchVersion } from "../packages/torch/native/libtorch.mjs";
import { librariesOf, segmentsOf, versionsBeyond } from "../packages/torch/native/symbols.mjs";

const scripts = dirname(fileURLToPath(import.meta.url));
const root = join(scripts, "..");
const torchPackage = join(root, "packages", "torch");
const log = (line) => process.stderr.write(`${line}\n`);

/** The platforms that have such a package; npm installs the one that fits. */
export const archs = ["x64", "arm64"];
export const platformPackageName = (arch) => `@pspnet/torch-linux-${arch}`;

/** Makes the package for a processor and returns its tarball, in `out`. */
export async function makePlatformPackage({ arch, out }) {
  if (process.platform !== "linux")
    throw new Error(`expected Linux to make ${platformPackageName(arch)} on, found ${process.platform}`);
  const build = join(torchPackage, "build", `linux-${arch}`);
  const folder = join(build, "package");
  // Where set-up fetches them to as well; what is there is checked all the same.
  const wheels = arch === process.arch ? join(root, ".libtorch") : join(build, "wheels");
  await fetchMembers(wheels, log, arch);
  rmSync(folder, { recursive: true, force: true });
  const lib = join(folder, "lib");
  mkdirSync(lib, { recursive: true });
  const torch = join(wheels, "torch");
  const libtorch = { folder: torch, version: libtorchVersion(torch) };
  const libraries = copyClosure(["libtorch_cpu.so", "libc10.so"], { wheels, lib });
  log(`compiling the addon for ${arch}`);
  const objects = arch === process.arch ? undefined : join(build, "objects");
  await buildBeside({ folder: lib, libtorch, objects, log });
  for (const file of readdirSync(lib)) checkVersions(join(lib, file));
  copyLicences(wheels, join(folder, "licenses"));
  describe(folder, { arch, libtorch, libraries });
  const { stdout } = command("npm", ["pack", "--json", "--pack-destination", resolve(out)], { cwd: folder });
  return join(out, Object.values(JSON.parse(stdout))[0].filename);
}

function command(name, args, options) {
  const result = spawnSync(name, args, { encoding: "utf8", maxBuffer: 2 ** 26, ...options });
  if (result.status === 0) return result;
  throw new Error(`${name} ${args.join(" ")}: ${result.error?.message ?? result.stderr}`);
}

/** Puts the libraries, and those of the wheels that they are linked with, into `lib`. */
function copyClosure(wanted, { wheels, lib }) {
  const found = new Map(readdirSync(wheels, { recursive: true }).map((file) => [basename(file), join(wheels, file)]));
  const queue = [...wanted];
  for (const name of queue) {
    for (const next of librariesOf(found.get(name))) if (found.has(next) && !queue.includes(next)) queue.push(next);
    copyStripped(found.get(name), join(lib, name));
  }
  return queue;
}

/** Without the symbols that no loader reads. What BOLT rewrote, as arm64's libtorch, strip moves about: it stays as it is. */
function copyStripped(from, to) {
  command(process.env.STRIP ?? "strip", ["--strip-unneeded", "-o", to, from]);
  if (isDeepStrictEqual(segmentsOf(to), segmentsOf(from))) return;
  log(`${basename(from)}: as it is, since strip breaks it`);
  copyFileSync(from, to);
}

function checkVersions(file) {
  const beyond = versionsBeyond(file);
  if (beyond.length > 0) {
    throw new Error(
      `${file} asks for ${beyond.join(", ")}, which systems with glibc 2.28 have not; native/oldGlibc.cc is the place for them`,
    );
  }
}

function copyLicences(wheels, target) {
  for (const info of readdirSync(wheels).filter((name) => name.endsWith(".dist-info"))) {
    cpSync(join(wheels, info, "licenses"), join(target, info.replace(/-[\d.]+\.dist-info$/, "")), { recursive: true });
  }
  copyFileSync(join(scripts, "licenses", "gcc.txt"), join(target, "gcc.txt"));
}

function describe(folder, { arch, libtorch, libraries }) {
  const { version, engines } = JSON.parse(readFileSync(join(torchPackage, "package.json"), "utf8"));
  const manifest = {
    name: platformPackageName(arch),
    version,
    description: `libtorch ${libtorch.version} and its addon of @pspnet/torch, for Linux on ${arch}`,
    license: "SEE LICENSE IN README.md",
    main: "lib/pspnet_torch.node",
    files: ["lib", "licenses"],
    os: ["linux"],
    cpu: [arch],
    libc: ["glibc"],
    engines,
    preferUnplugged: true,
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const size = (name) => `${(statSync(join(folder, "lib", name)).size / 1e6).toFixed(1)} MB`;
  writeFileSync(
    join(folder, "README.md"),
    readme({ arch, libtorch, lines: libraries.map((name) => `| \`${name}\` | ${size(name)} | ${origin(name)} |`) }),
  );
}

/** Whose a library is, and the folder of `licenses` that has its terms. */
function origin(name) {
  if (/^lib(torch|c10)/.test(name)) return "PyTorch, licenses/torch";
  if (name.startsWith("libgomp"))
    return "GCC, GPL 3 with the GCC Runtime Library Exception, licenses/gcc.txt; source: gcc.gnu.org";
  if (name.startsWith("libcudart"))
    return "NVIDIA, licenses/nvidia_cuda_runtime; not used without a GPU, but libtorch is linked with it";
  if (name.startsWith("libcupti"))
    return "NVIDIA, licenses/nvidia_cuda_cupti; not used without a GPU, but libtorch is linked with it";
  if (name.startsWith("libnvpl")) return "NVIDIA Performance Libraries, terms: docs.nvidia.com/nvpl";
  if (name.startsWith("libarm_compute"))
    return "Arm Compute Library, MIT, source: github.com/ARM-software/ComputeLibrary";
  if (name.startsWith("libgfortran")) return "GCC, as libgomp";
  throw new Error(`${name}: expected a library of a known owner; tell its terms in scripts/platformPackage.mjs`);
}

const readme = ({ arch, libtorch, lines }) => `# ${platformPackageName(arch)}

What \`@pspnet/torch\` computes with on Linux (glibc 2.28 and later) on ${arch}, as an optional dependency of it: the addon, and of libtorch
${libtorch.version}'s wheel on PyPI the libraries that it needs, stripped of the symbols that no loader reads.

| file in \`lib\` | size | whose, terms |
|---|---|---|
| \`pspnet_torch.node\` | | pspnet, MIT |
${lines.join("\n")}
`;

const called = process.argv[1] === fileURLToPath(import.meta.url);
if (called) {
  const options = { arch: { type: "string", default: process.arch }, out: { type: "string", default: "." } };
  const { values } = parseArgs({ options });
  if (!archs.includes(values.arch))
    throw new Error(`--arch: expected one of ${archs.join(", ")}, found ${values.arch}`);
  if (!existsSync(values.out)) mkdirSync(values.out, { recursive: true });
  const tarball = await makePlatformPackage(values);
  log(`${tarball}: ${(statSync(tarball).size / 1e6).toFixed(0)} MB`);
}
