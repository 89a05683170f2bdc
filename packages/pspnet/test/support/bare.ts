import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * Puts the built packages into `folder/node_modules` as an installation without libtorch has them: no addon, all other
 * dependencies there, onnxruntime-node only when it is wanted.
 */
export async function installBare(folder: string, { onnx }: { readonly onnx: boolean }): Promise<void> {
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "@pspnet"), { recursive: true });
  for (const name of ["checkpoints", "core", "scenes", "torch", "pspnet"]) {
    const place = join(modules, name === "pspnet" ? name : `@pspnet/${name}`);
    for (const part of ["package.json", "dist", "bin"]) {
      const from = join(root, "packages", name, part);
      if (existsSync(from)) await cp(from, join(place, part), { recursive: true });
    }
  }
  const others = (await readdir(join(root, "node_modules"))).filter((name) => !name.includes("pspnet"));
  for (const name of others) {
    if (name.startsWith(".") || (name.startsWith("onnxruntime") && !onnx)) continue;
    await symlink(join(root, "node_modules", name), join(modules, name), "dir");
  }
  await writeFile(join(folder, "package.json"), `{ "type": "module" }\n`);
}

export interface BareOutcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program of `folder` with node. */
export function runIn(folder: string, args: readonly string[]): Promise<BareOutcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], { cwd: folder });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}
