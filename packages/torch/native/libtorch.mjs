// Finds libtorch, or fetches it: LIBTORCH, then python3's torch, then .libtorch. Node's own modules only.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findWheel, indexSettings } from "./packageIndex.mjs";
import { bringMembers } from "./wheel.mjs";

/** Versions of libtorch that the addon is built with and tested against. */
export const supported = { major: 2, firstMinor: 11, lastMinor: 15 };
const pinned = "torch==2.15.0";
/** What libtorch_cpu.so of PyPI's Linux wheels, CUDA builds, asks the loader for. */
const cudaWheels = ["nvidia-cuda-runtime==13.2.*", "nvidia-cuda-cupti==13.2.*"];
const range = `${supported.major}.${supported.firstMinor} to ${supported.major}.${supported.lastMinor}`;

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The workspace root when this package lies in one, else the package itself: .libtorch goes there. */
function installRoot() {
  const workspace = join(packageRoot, "..", "..");
  const manifest = join(workspace, "package.json");
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).workspaces ? workspace : packageRoot;
}

const mend =
  `Set LIBTORCH to a libtorch folder (with lib/ and include/) of version ${range}, or install one where python3 finds it: ` +
  `python3 -m pip install ${pinned}`;

/** `2.15.0+cpu` of a libtorch folder: a wheel's torch/ (version.py) or an unpacked libtorch zip (build-version). Null when it is none. */
export function libtorchVersion(folder) {
  const read = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "");
  const wheel = /__version__ = ['"]([^'"]+)/.exec(read("version.py"));
  const zip = read("build-version").trim();
  const header = read("include/torch/headeronly/version.h") || read("include/torch/csrc/api/include/torch/version.h");
  const part = (name) => new RegExp(`#define TORCH_VERSION_${name} (\\d+)`).exec(header)?.[1];
  return wheel?.[1] ?? (zip || (part("MAJOR") ? `${part("MAJOR")}.${part("MINOR")}.${part("PATCH")}` : null));
}

/** Why a folder cannot be used as libtorch, or null when it can. */
function unusable(folder) {
  if (!existsSync(folder)) return "no such folder";
  const version = libtorchVersion(folder);
  if (version === null) return "it holds no libtorch (looked for version.py, build-version and include/torch)";
  const [major, minor] = version.split(".").map(Number);
  if (major !== supported.major || minor < supported.firstMinor || minor > supported.lastMinor) {
    return `version ${version} is not supported (${range} are)`;
  }
  const library = process.platform === "darwin" ? "libtorch_cpu.dylib" : "libtorch_cpu.so";
  if (!existsSync(join(folder, "lib", library))) return `lib/${library} is missing`;
  if (!existsSync(join(folder, "include", "ATen"))) return "include/ATen is missing";
  return null;
}

/** Where python3's torch lies, found without importing it; null when there is none. */
function pythonTorch() {
  const code = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  const { status, stdout } = spawnSync("python3", ["-c", code], { encoding: "utf8" });
  const origin = status === 0 ? stdout.trim() : "";
  return origin === "" ? null : dirname(origin);
}

/**
 * Looks for libtorch without fetching anything. Returns `{ folder, version }`, or `{ tried }`: a line for each place.
 * Throws when LIBTORCH is set to something unusable: a wish is not passed over.
 */
export function locateLibtorch() {
  const tried = [];
  const use = (folder, source) => {
    const problem = unusable(folder);
    if (problem === null) return { folder, version: libtorchVersion(folder) };
    tried.push(`${source} (${folder}): ${problem}`);
    return null;
  };
  if (process.env.LIBTORCH) {
    const found = use(process.env.LIBTORCH, "LIBTORCH");
    if (found) return found;
    throw new Error(`libtorch: ${tried[0]}. ${mend}; or unset LIBTORCH to have it found or fetched`);
  }
  tried.push("LIBTORCH: not set");
  const python = pythonTorch();
  if (python === null) tried.push("python3: no torch can be imported");
  const root = installRoot();
  return (python && use(python, "python3")) ?? use(join(root, ".libtorch", "torch"), ".libtorch") ?? { tried };
}

function hasNvidiaGpu() {
  return existsSync("/dev/nvidiactl") || existsSync("/proc/driver/nvidia/version") || existsSync("/dev/dxg");
}

/** Libraries that no CPU asks for: three quarters of the wheel. */
const unneeded =
  /^lib(torch_cuda|torch_python|c10_cuda|caffe2_nvrtc|torch_nvshmem|torch_global_deps|shm)|^libtorch\.(so|dylib)$/;

/** Whether a wheel's file is what a machine without a GPU needs to compile the addon and to load it, or a licence. */
export function isNeeded(name) {
  const [, library] = /^torch\/lib\/([^/]+)$/.exec(name) ?? [];
  if (library) return !unneeded.test(library);
  if (name.startsWith("nvidia/")) return /\/lib\/lib(cudart|cupti)\.so/.test(name);
  return /^torch\/include\/|^torch\/version\.py$|^torch\.libs\/|^[^/]+\.dist-info\//.test(name);
}

/** Deletes the rest of installed wheels. */
function trim(folder, inside = "") {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const [file, name] = [join(folder, entry.name), `${inside}${entry.name}`];
    if (entry.isDirectory()) trim(file, `${name}/`);
    else if (!isNeeded(name)) rmSync(file);
    if (entry.isDirectory() && readdirSync(file).length === 0) rmdirSync(file);
  }
}

/** What pip says at the end, without its warnings where there are errors. */
function lastLines(text) {
  const lines = text.trim().split("\n");
  const errors = lines.filter((line) => line.startsWith("ERROR"));
  return (errors.length > 0 ? errors : lines).slice(-4).join("\n  ");
}

function explainPip({ error, status, stderr }, command) {
  if (error?.code === "ENOENT")
    return "python3 is not installed. Install Python 3 with pip (Debian: apt install python3-pip)";
  const text = stderr ?? "";
  if (/No module named pip/.test(text))
    return "python3 has no pip. Install it (Debian: apt install python3-pip; else python3 -m ensurepip)";
  const said = `${command} ended with ${status ?? error?.message}:\n  ${lastLines(text)}\n`;
  if (/No space left/i.test(text)) return `${said}Free 3 GB on this disk and run it again`;
  if (/No matching distribution/i.test(text) && !/connection broken/i.test(text)) {
    return `${said}There is no such wheel for this platform and Python. Another Python can be asked for with PIP_PYTHON_VERSION=3.12`;
  }
  return `${said}Check that the package index is reachable (python3 -m pip download --no-deps six) and run it again; a mirror can be named with PIP_INDEX_URL`;
}

function pip(target, packages) {
  const list = [
    "-m",
    "pip",
    "install",
    "--no-deps",
    "--no-compile",
    "--disable-pip-version-check",
    "--target",
    target,
    ...packages,
  ];
  const result = spawnSync("python3", [...list, "--quiet"], { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (result.status !== 0) throw new Error(explainPip(result, `python3 ${list.join(" ")}`));
}

/** True when the wheel's libtorch was built with CUDA, so that it wants two of CUDA's libraries even without a GPU. */
const isCudaBuild = (torch) => /^cuda.* = '/m.test(readFileSync(join(torch, "version.py"), "utf8"));

/** Brings what is needed of the wheels, a quarter of their bytes, by ranges; of those for another processor, too. */
export async function fetchMembers(folder, log, arch = process.arch) {
  const { index, ca } = indexSettings();
  const bring = async (requirement) => {
    const [name, version] = requirement.split("==");
    const { url, filename } = await findWheel({ name, version }, { index, ca, arch });
    const bytes = await bringMembers({ url, wanted: isNeeded, folder, ca, log });
    log(`${filename}: ${(bytes / 1e6).toFixed(0)} MB fetched of it, checked against its RECORD`);
  };
  await bring(pinned);
  if (isCudaBuild(join(folder, "torch"))) for (const requirement of cudaWheels) await bring(requirement);
}

/** Has pip install the whole wheels. */
function fetchWhole(folder, log) {
  log("fetching the whole wheel, 0.6 GB, by pip");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  pip(folder, [pinned]);
  if (process.platform === "linux" && isCudaBuild(join(folder, "torch"))) pip(folder, cudaWheels);
  if (!hasNvidiaGpu()) trim(folder);
  else log(`this libtorch comes without CUDA's libraries; to use the GPU: python3 -m pip install ${pinned}`);
}

/** Fetches libtorch into .libtorch. `torch` comes there last and by a rename, so what is there is whole. */
async function install(log, tried) {
  const target = join(installRoot(), ".libtorch");
  // What has come of an earlier try stays in the first of them.
  const [members, whole] = ["members", "whole"].map((name) => join(target, name));
  log(`fetching libtorch (${pinned}) into ${target}`);
  const put = (folder) => {
    for (const file of readdirSync(target)) {
      if (join(target, file) !== folder) rmSync(join(target, file), { recursive: true, force: true });
    }
    const files = readdirSync(folder).filter((file) => file !== "torch");
    for (const file of [...files, "torch"]) renameSync(join(folder, file), join(target, file));
    rmSync(folder, { recursive: true });
  };
  const failed = [];
  if (!hasNvidiaGpu()) {
    try {
      await fetchMembers(members, log);
      return put(members);
    } catch (error) {
      failed.push(`by members: ${error.message}`);
      log(`what is needed of the wheel cannot be fetched alone: ${error.message}`);
    }
  }
  try {
    fetchWhole(whole, log);
    put(whole);
  } catch (error) {
    const places = [...tried, ...failed, error.message].map((line) => `- ${line}`).join("\n");
    throw new Error(`libtorch: none found and none fetched.\nTried:\n${places}.\nOr: ${mend}`);
  } finally {
    rmSync(whole, { recursive: true, force: true });
  }
}

/** libtorch's folder and version, fetched when there is none. */
export async function findLibtorch({ log = () => {} } = {}) {
  const found = locateLibtorch();
  if (found.folder) return found;
  await install(log, found.tried);
  const installed = locateLibtorch();
  if (installed.folder) return installed;
  throw new Error(`libtorch: the fetched one cannot be used.\n${installed.tried.join("\n")}\nOr: ${mend}`);
}
