import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
      /version 2\.9\.0 is not supported \(2\.13 to 2\.15 are\).*pip install torch==/,
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

  it("goes on without Python too", () => {
    const { status, said } = setup({ CXX: "/bin/true", PATH: scratch });
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

it("tells a missing addon, and the mend", () => {
  const copy = join(scratch, "package", "dist");
  mkdirSync(copy, { recursive: true });
  const program = `import { cpSync } from "node:fs";
    import { fileURLToPath } from "node:url";
    const core = ${JSON.stringify(new URL("../../core/dist/index.js", import.meta.url).href)};
    const text = (await import("node:fs")).readFileSync(fileURLToPath(${JSON.stringify(new URL("../dist/binding.js", import.meta.url).href)}), "utf8");
    (await import("node:fs")).writeFileSync(${JSON.stringify(join(copy, "binding.mjs"))}, text.replace("@pspnet/core", core));
    const { native } = await import(${JSON.stringify(join(copy, "binding.mjs"))});
    try { native(); } catch (error) { console.log(error.code, error.message); }`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(stdout).toMatch(
    /^environment libtorch: expected the native addon .*it is not built; build it with `npm run setup`/,
  );
});
