// Compiles the native addon, build/pspnet_torch.node, with nothing but a C++20 compiler. Node's own modules only.
// `node native/build.mjs` does it by hand; it is quick when there is nothing to do. `--sanitize`: see sanitize.mjs.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "./generate.mjs";
import { findLibtorch, libtorchVersion } from "./libtorch.mjs";

const native = dirname(fileURLToPath(import.meta.url));
const packageRoot = join(native, "..");
const output = join(packageRoot, "build");
const addon = join(output, "pspnet_torch.node");
/** NCCL for the addon, which is loaded where CUDA is. */
const nccl = join(output, "pspnet_nccl.so");
const stampFile = join(output, "stamp.json");
const mac = process.platform === "darwin";

const hashOf = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
};

const filesIn = (folder, pattern) =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));

const innerHeaders = () =>
  ["gloo", "nccl"].flatMap((folder) =>
    readdirSync(join(native, folder), { recursive: true })
      .filter((name) => name.endsWith(".h"))
      .sort()
      .map((name) => join(native, folder, name)),
  );

/** The hash of everything in this package that the addon is made of. */
function sourcesHash() {
  const files = [...filesIn(native, /\.(cc|h|mjs|txt)$/), ...filesIn(join(native, "nccl"), /\.cc$/), ...innerHeaders()];
  return hashOf(...files.flatMap((file) => [basename(file), readFileSync(file)]));
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, "utf8"));
  } catch {
    return {};
  }
}

/** Whether the addon was made of these sources, with this choice of compiler and libtorch, and that libtorch is still there. */
function upToDate(stamp, sources, sanitize) {
  return (
    existsSync(addon) &&
    stamp.sources === sources &&
    stamp.wish === wish(sanitize) &&
    existsSync(join(stamp.libtorch.folder, "lib")) &&
    libtorchVersion(stamp.libtorch.folder) === stamp.libtorch.version &&
    ncclProblem(stamp.libtorch) === stamp.withoutNccl &&
    existsSync(join(native, "generated"))
  );
}

const wish = (sanitize) =>
  hashOf(
    process.env.LIBTORCH ?? "",
    process.env.CXX ?? "",
    process.version.split(".")[0],
    process.arch,
    String(sanitize),
  );

/** The first of CXX, c++, g++ and clang++ that compiles C++20. */
function findCompiler() {
  const tried = [];
  const program =
    "#include <version>\n#include <concepts>\nstatic_assert(__cplusplus >= 202002L);\nint main() { return 0; }\n";
  for (const compiler of process.env.CXX ? [process.env.CXX] : ["c++", "g++", "clang++"]) {
    const { status, error, stderr } = spawnSync(compiler, ["-std=c++20", "-fsyntax-only", "-x", "c++", "-"], {
      input: program,
      encoding: "utf8",
    });
    if (status === 0) return compiler;
    tried.push(
      `- ${compiler}: ${error?.code === "ENOENT" ? "not found" : (error?.message ?? stderr.trim().split("\n")[0])}`,
    );
  }
  throw new Error(
    `native addon: no C++20 compiler.\nTried:\n${tried.join("\n")}\nInstall one (Debian: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install) or name one with CXX`,
  );
}

function nodeHeaders() {
  try {
    return createRequire(import.meta.url)("node-api-headers").include_dir;
  } catch {
    throw new Error("native addon: the npm package node-api-headers is missing. Run npm ci --ignore-scripts");
  }
}

function compileFlags(libtorch, sanitize) {
  const includes = [
    join(libtorch.folder, "include"),
    join(libtorch.folder, "include", "torch", "csrc", "api", "include"),
    nodeHeaders(),
  ];
  return [
    ...[
      "-std=c++20",
      ...(sanitize ? ["-O1", "-g", "-fsanitize=address,undefined", "-fno-omit-frame-pointer"] : ["-O3"]),
      "-DNDEBUG",
      "-fPIC",
      "-fvisibility=hidden",
      "-Wall",
      "-DNAPI_VERSION=8",
      "-DNODE_GYP_MODULE_NAME=pspnet_torch",
      "-I",
      native,
    ],
    ...includes.flatMap((folder) => ["-isystem", folder]),
    "-fopenmp-simd",
  ];
}

/** Only torch_cpu and c10: `torch` would pull in libtorch_cuda. Never unloaded: its threads outlive the worker that loaded it. */
function linkFlags(lib, { rpath = lib, sanitize = false } = {}) {
  const shared = mac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared", "-Wl,--as-needed", "-Wl,-z,nodelete"];
  const sanitizers = sanitize ? ["-fsanitize=address,undefined"] : [];
  return [...shared, ...sanitizers, "-L", lib, "-ltorch_cpu", "-lc10", ...(mac ? [] : ["-ldl"]), `-Wl,-rpath,${rpath}`];
}

/** Where headers of CUDA and NCCL may lie: beside libtorch, as pip lays them, and in a toolkit's folder. */
function cudaIncludes(libtorch) {
  const wheels = join(libtorch.folder, "..", "nvidia");
  const parts = existsSync(wheels) ? readdirSync(wheels).sort() : [];
  const toolkit = process.env.CUDA_HOME ?? "/usr/local/cuda";
  return [...parts.map((part) => join(wheels, part)), toolkit].map((part) => join(part, "include")).filter(existsSync);
}

/** Why NCCL is not to be built for this libtorch; null when it is. */
function ncclProblem(libtorch) {
  if (!existsSync(join(libtorch.folder, "lib", "libtorch_cuda.so"))) return "this libtorch is for processors only";
  const folders = [...cudaIncludes(libtorch), "/usr/include"];
  const wanted = ["nccl.h", "cuda_runtime_api.h", "crt/host_defines.h", "cublas_v2.h", "cusolverDn.h", "cusparse.h"];
  const missing = wanted.filter((header) => !folders.some((folder) => existsSync(join(folder, header))));
  if (missing.length === 0) return null;
  return `no ${missing.join(", ")} (python3 -m pip install nvidia-nccl-cu13 nvidia-cuda-crt beside torch, or a CUDA toolkit by CUDA_HOME); ranks on GPUs exchange by way of main memory`;
}

/** The library that `nccl/ncclBackend.cc` is, where there is what it takes. Returns why there is none, or null. */
async function buildNccl({ compiler, libtorch, sanitize, log }) {
  rmSync(nccl, { force: true });
  const problem = ncclProblem(libtorch);
  if (problem !== null) return problem;
  log("compiling NCCL's part");
  const lib = join(libtorch.folder, "lib");
  const flags = [
    ...compileFlags(libtorch, sanitize),
    ...cudaIncludes(libtorch).flatMap((folder) => ["-isystem", folder]),
    ...["-shared", "-Wl,-z,nodelete", `-Wl,-rpath,${lib}`, "-L", lib],
  ];
  const libraries = ["-ltorch_cuda", "-lc10_cuda", "-ltorch_cpu", "-lc10"];
  await withFolder("link-", async (folder) => {
    const linked = join(folder, basename(nccl));
    await runCompiler(compiler, [...flags, join(native, "nccl", "ncclBackend.cc"), ...libraries, "-o", linked]);
    renameSync(linked, nccl);
  });
  return null;
}

function runCompiler(compiler, list) {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, list, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) return resolve(stderr);
      const memory =
        signal === "SIGKILL" || /Killed signal/.test(stderr)
          ? " The compiler was killed, probably for lack of memory: 2 GB a core are needed."
          : "";
      reject(
        new Error(
          `native addon: ${compiler} failed (${signal ?? status}) on ${list.at(-1)}.${memory}\n${stderr.slice(0, 4000)}`,
        ),
      );
    });
  });
}

/** Compiles once what every file includes, libtorch's headers: two thirds of the work. Returns the flags that use it. */
async function precompile({ compiler, flags, folder }) {
  const header = join(folder, "border.h");
  const clang = /clang/.test(spawnSync(compiler, ["--version"], { encoding: "utf8" }).stdout ?? "");
  const compiled = `${header}.${clang ? "pch" : "gch"}`;
  writeFileSync(header, '#include "call.h"\n#include "operations.h"\n#include <ATen/ops/empty.h>\n');
  await runCompiler(compiler, [...flags, "-x", "c++-header", "-o", compiled, header]);
  return clang ? ["-include-pch", compiled] : ["-include", header];
}

/** Runs `work` with a new folder that is gone afterwards. */
async function withFolder(prefix, work) {
  const folder = mkdtempSync(join(output, prefix));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles what changed, several files at a time. Objects are named after the hash of what they are made of. */
async function compile({ compiler, libtorch, log, sanitize = false, objects = join(output, "objects") }) {
  const flags = compileFlags(libtorch, sanitize);
  mkdirSync(objects, { recursive: true });
  const headers = [...filesIn(native, /\.h$/), ...innerHeaders()].map((file) => readFileSync(file));
  const common = hashOf(compiler, libtorch.version, ...flags, ...headers).slice(0, 16);
  const sources = [...filesIn(native, /\.cc$/), ...filesIn(join(native, "generated"), /\.cc$/)];
  const wanted = sources.map((source) => {
    const hash = hashOf(common, readFileSync(source)).slice(0, 16);
    return { source, object: join(objects, `${basename(source, ".cc")}-${hash}.o`) };
  });
  const queue = wanted.filter(({ object }) => !existsSync(object));
  if (queue.length > 0) log(`compiling ${queue.length} of ${wanted.length} files`);
  await withFolder("headers-", async (folder) => {
    // It takes as long as two files, and a quarter of a gigabyte while it is there.
    const shared = queue.length > 3 ? await precompile({ compiler, flags, folder }) : [];
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const partial = `${next.object}.${process.pid}`;
        await runCompiler(compiler, [...flags, ...shared, "-o", partial, "-c", next.source]);
        renameSync(partial, next.object);
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, Math.min(availableParallelism(), 16)) }, worker));
  });
  const kept = new Set(wanted.map(({ object }) => object));
  for (const file of filesIn(objects, /./)) if (!kept.has(file)) rmSync(file, { force: true });
  return wanted.map(({ object }) => object);
}

/**
 * Builds the addon when it is not up to date. `log` gets a line for each thing that takes a while. Returns where it lies.
 * With `sanitize` it is one that looks for wrong use of memory (AddressSanitizer, UndefinedBehaviorSanitizer), see sanitize.mjs.
 */
export async function build({ log = () => {}, sanitize = false } = {}) {
  const sources = sourcesHash();
  const before = readStamp();
  if (upToDate(before, sources, sanitize)) return addon;
  // What other sources gave must not be loaded should the rest fail.
  rmSync(addon, { force: true });
  if (process.platform === "win32") {
    throw new Error("native addon: it is made for Linux and macOS, this is Windows. Use WSL (wsl --install)");
  }
  const start = performance.now();
  const compiler = findCompiler();
  const libtorch = await findLibtorch({ log });
  log(`native addon: ${compiler}, libtorch ${libtorch.version} in ${libtorch.folder}`);
  generate();
  mkdirSync(output, { recursive: true });
  const objects = await compile({ compiler, libtorch, sanitize, log });
  await withFolder("link-", async (folder) => {
    const linked = join(folder, basename(addon));
    await runCompiler(compiler, [...objects, ...linkFlags(join(libtorch.folder, "lib"), { sanitize }), "-o", linked]);
    renameSync(linked, addon);
  });
  const withoutNccl = await buildNccl({ compiler, libtorch, sanitize, log });
  if (withoutNccl !== null && existsSync(join(libtorch.folder, "lib", "libtorch_cuda.so")))
    log(`native addon: without NCCL: ${withoutNccl}`);
  writeFileSync(stampFile, JSON.stringify({ sources, wish: wish(sanitize), libtorch, withoutNccl }, null, 2));
  log(`native addon: ${relative(process.cwd(), addon)} made in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return addon;
}

/**
 * Builds an addon that looks for libtorch's libraries in the folder that it lies in itself, first of all places: `folder`, where
 * they are. `compiler` may be one for another processor.
 */
export async function buildBeside({ folder, libtorch, compiler = findCompiler(), objects, log }) {
  generate();
  const compiled = await compile({ compiler, libtorch, log, objects });
  const flags = [...linkFlags(folder, { rpath: "$ORIGIN" }), "-Wl,--disable-new-dtags"];
  await runCompiler(compiler, [...compiled, ...flags, "-o", join(folder, basename(addon))]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sanitize = process.argv.includes("--sanitize");
  build({ log: (line) => process.stderr.write(`${line}\n`), sanitize }).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
