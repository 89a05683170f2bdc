import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "pspnet-torch-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const source = (name: string) => new URL(`../native/${name}`, import.meta.url).href;

/** A folder that looks like an unpacked libtorch zip of a version. */
function libtorchFolder(name: string, version: string): string {
  const folder = join(scratch, name);
  mkdirSync(join(folder, "lib"), { recursive: true });
  mkdirSync(join(folder, "include", "ATen"), { recursive: true });
  writeFileSync(join(folder, "build-version"), `${version}\n`);
  writeFileSync(join(folder, "lib", process.platform === "darwin" ? "libtorch_cpu.dylib" : "libtorch_cpu.so"), "");
  return folder;
}

function locate(folder: string): { readonly result?: { folder: string; version: string }; readonly error?: string } {
  const program = `import { locateLibtorch } from ${JSON.stringify(source("libtorch.mjs"))};
    try { console.log(JSON.stringify({ result: locateLibtorch() })); }
    catch (error) { console.log(JSON.stringify({ error: error.message })); }`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    env: { ...process.env, LIBTORCH: folder },
  });
  return JSON.parse(stdout);
}

describe("finding libtorch", () => {
  it("reads the version of an unpacked zip and of a wheel", () => {
    const folder = libtorchFolder("zip", "2.14.1+cpu");
    expect(locate(folder)).toEqual({ result: { folder, version: "2.14.1+cpu" } });
    writeFileSync(join(folder, "version.py"), "__version__ = '2.15.0+cu132'\ncuda: Optional[str] = '13.2'\n");
    expect(locate(folder).result?.version).toBe("2.15.0+cu132");
  });

  it("says why a folder cannot be used, and the mend", () => {
    expect(locate(libtorchFolder("old", "2.9.0")).error).toMatch(
      /version 2\.9\.0 is not supported \(2\.11 to 2\.15 are\).*pip install torch==/,
    );
    expect(locate(join(scratch, "nowhere")).error).toMatch(
      /^libtorch: LIBTORCH \(.*nowhere\): no such folder\. Set LIBTORCH to/,
    );
    mkdirSync(join(scratch, "empty"));
    expect(locate(join(scratch, "empty")).error).toContain("it holds no libtorch");
    const broken = libtorchFolder("broken", "2.15.0");
    rmSync(join(broken, "include"), { recursive: true });
    expect(locate(broken).error).toContain("include/ATen is missing");
  });
});

describe("set-up where libtorch's addon cannot be built", () => {
  const root = join(scratch, "clone");
  const ours = fileURLToPath(new URL("../../../", import.meta.url));
  const addon = join(root, "packages", "torch", "build", "pspnet_torch.node");
  const compiled = join(root, "dist", "one.js");

  /** A clone whose npm packages are there, with one file of TypeScript, and an addon made of other sources. */
  beforeAll(() => {
    for (const folder of ["node_modules", "packages/torch/build"]) mkdirSync(join(root, folder), { recursive: true });
    for (const part of ["scripts/setup.mjs", "packages/torch/native", "packages/torch/package.json"]) {
      cpSync(join(ours, part), join(root, part), { recursive: true });
    }
    symlinkSync(join(ours, "node_modules", "typescript"), join(root, "node_modules", "typescript"), "dir");
    const files = {
      "package.json": `{ "type": "module", "workspaces": [] }`,
      "package-lock.json": "{}",
      "node_modules/.pspnet-lock-hash": createHash("sha256").update("{}").digest("hex"),
      "tsconfig.json": `{ "compilerOptions": { "outDir": "dist", "types": [], "lib": ["es5"], "skipLibCheck": true }, "files": ["one.ts"] }`,
      "one.ts": "export const one: number = 1;",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
    writeFileSync(addon, "");
  });

  function setup(env: Readonly<Record<string, string>>, ...flags: readonly string[]) {
    const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts", "setup.mjs"), ...flags], {
      encoding: "utf8",
      env: { ...process.env, LIBTORCH: "", ...env },
    });
    return { status, said: stderr };
  }

  it("does all the rest, and says what is missing, what works and how to try again", () => {
    const { status, said } = setup({ CXX: "no-such-compiler" });
    expect(said).toMatch(/^\nsetup: done, without libtorch\.\n\nnative addon: no C\+\+20 compiler/);
    expect(said).toContain("- no-such-compiler: not found\nInstall one (Debian: apt install g++;");
    expect(said).toMatch(
      /Works now, on onnxruntime: .*predict.*\nDoes not without libtorch: .*train.*\n.*npm run setup\n$/,
    );
    expect(status).toBe(0);
    expect(existsSync(compiled)).toBe(true);
    expect(existsSync(addon)).toBe(false);
  });

  it("fails with the same message where libtorch is required", () => {
    rmSync(compiled, { force: true });
    const { status, said } = setup({ CXX: "no-such-compiler" }, "--require-libtorch");
    expect(said).toMatch(/^\nsetup failed: libtorch is needed here.*\n\nnative addon: no C\+\+20 compiler/);
    expect(said).toMatch(/Does not without libtorch: .*train/);
    expect(status).toBe(1);
    expect(existsSync(compiled)).toBe(true);
  });

  it("goes on without Python and an index too", () => {
    const { status, said } = setup({ CXX: "/bin/true", PATH: scratch, PIP_NO_INDEX: "1" });
    expect(said).toContain("- by members: pip is set to no-index=1, which is left to pip\n");
    expect(said).toContain("python3 is not installed. Install Python 3 with pip");
    expect(said).toContain("setup: done, without libtorch");
    expect(status).toBe(0);
  });
});

it("loads libtorch at the first use, not when the package is imported", () => {
  const program = `import { native } from ${JSON.stringify(new URL("../dist/binding.js", import.meta.url).href)};
    import * as torch from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const loaded = () => process.report.getReport().sharedObjects.some((file) => file.includes("torch_cpu"));
    const before = loaded();
    torch.zeros([1]);
    console.log(before, loaded());`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(stderr + stdout).toBe("false true\n");
});

describe("the addon where npm alone has installed the package", () => {
  const modules = join(scratch, "installed", "node_modules", "@pspnet");
  const name = `torch-${process.platform}-${process.arch}`;
  const ours = (folder: string) => fileURLToPath(new URL(`../../${folder}`, import.meta.url));
  const { version } = JSON.parse(readFileSync(ours("torch/package.json"), "utf8"));

  beforeAll(() => {
    for (const part of ["package.json", "dist"])
      cpSync(ours(`torch/${part}`), join(modules, "torch", part), { recursive: true });
    for (const other of ["core", "checkpoints"]) symlinkSync(ours(other), join(modules, other), "dir");
  });

  /** The platform's package, whose addon is a program that says where it is. */
  function installPrebuilt(of: string, main = "addon.cjs") {
    mkdirSync(join(modules, name), { recursive: true });
    writeFileSync(join(modules, name, "package.json"), JSON.stringify({ name: `@pspnet/${name}`, version: of, main }));
    writeFileSync(join(modules, name, "addon.cjs"), "exports.found = () => 'of the package';");
    writeFileSync(join(modules, name, "broken.node"), "");
  }

  function load(): string {
    const binding = pathToFileURL(join(modules, "torch", "dist", "binding.js")).href;
    const program = `import { native } from ${JSON.stringify(binding)};
      try { console.log(native().found?.() ?? "compiled here"); } catch (error) { console.log(error.code, error.message); }
      process.reallyExit(0);`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    return stdout.trim();
  }

  it("is missing, and both that would do are told", () => {
    expect(load()).toMatch(
      /^environment libtorch: expected the native addon \S+pspnet_torch\.node, or one that npm brings, but @pspnet\/torch-\w+-\w+ is not installed .* it is not built; build it with `npm run setup` in .*`npm install @pspnet\/torch-\w+-\w+@\d/,
    );
  });

  it("is the package's, of the same version", () => {
    installPrebuilt(version);
    expect(load()).toBe("of the package");
    installPrebuilt("0.0.1");
    expect(load()).toMatch(
      /^environment libtorch: expected the native addon of @pspnet\/\S+ \d\S+, .*but found 0\.0\.1; `npm install/,
    );
  });

  it("does not load, and the mend is told", () => {
    installPrebuilt(version, "broken.node");
    expect(load()).toMatch(
      /^environment libtorch: expected the native addon \S+broken\.node, but it does not load: .*; delete that package/,
    );
  });

  it("is the one that was compiled here, where one was", () => {
    installPrebuilt(version);
    const build = join(modules, "torch", "build");
    symlinkSync(ours("torch/build"), build, "dir");
    expect(load()).toBe("compiled here");
    rmSync(build);
    mkdirSync(build);
    writeFileSync(join(build, "pspnet_torch.node"), "");
    expect(load()).toMatch(/pspnet_torch\.node, but it does not load: .*; build it anew with `npm run setup`/);
  });
});

it.runIf(process.platform === "linux")("asks a system for nothing newer than glibc 2.28 and GCC 8 have", async () => {
  const { versionsBeyond } = await import(source("symbols.mjs"));
  expect(versionsBeyond(fileURLToPath(new URL("../build/pspnet_torch.node", import.meta.url)))).toEqual([]);
});

it.runIf(process.platform === "linux")("finds the addresses that a library's segments are mapped to", async () => {
  const { segmentsOf } = await import(source("symbols.mjs"));
  const file = fileURLToPath(new URL("../build/pspnet_torch.node", import.meta.url));
  const bytes = readFileSync(file);
  const [table, entrySize, entries] = [
    Number(bytes.readBigUInt64LE(32)),
    bytes.readUInt16LE(54),
    bytes.readUInt16LE(56),
  ];
  const headers = Array.from({ length: entries }, (_, index) => bytes.subarray(table + index * entrySize));
  const loaded = headers.filter((header) => header.readUInt32LE(0) === 1);
  expect(segmentsOf(file).map(BigInt)).toEqual(loaded.map((header) => header.readBigUInt64LE(16)));
});
