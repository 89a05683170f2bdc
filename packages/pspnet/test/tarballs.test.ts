import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const packages = ["checkpoints", "core", "scenes", "torch", "pspnet", "web"];

interface Tarball {
  readonly name: string;
  readonly files: readonly { readonly path: string }[];
}

/** What `npm pack` would put into the packages' tarballs, in their order. */
function tarballs(): Tarball[] {
  const workspaces = packages.map((name) => `--workspace=packages/${name}`);
  const out = execFileSync("npm", ["pack", "--dry-run", "--json", ...workspaces], { cwd: root, encoding: "utf8" });
  // An array, or from npm 11 on an object of them by name.
  return Object.values(JSON.parse(out) as Record<string, Tarball>);
}

const packed = tarballs();

test.each(packages.map((name, i) => [name, packed[i]] as const))(
  "%s as npm ships it has the source of what is compiled, and nothing that only a build wants",
  (name, { files }) => {
    const paths = new Set(files.map(({ path }) => path));
    const folder = join(root, "packages", name);
    const sources = readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => file.endsWith(".ts") && !/\.(test|d)\.ts$/.test(file));
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      for (const end of [".js.map", ".d.ts.map"]) {
        const map = `dist/${source.replace(/\.ts$/, end)}`;
        const { sources: named } = JSON.parse(readFileSync(join(folder, map), "utf8"));
        const place = posix.join(posix.dirname(map), named[0]);
        expect([map, place].filter((path) => !paths.has(path))).toEqual([]);
      }
    }
    expect([...paths].filter((path) => /\.tsbuildinfo$|\.test\.|^(test|demo)\/|\.node$/.test(path))).toEqual([]);
    expect(existsSync(join(folder, "README.md")) && paths.has("README.md")).toBe(true);
    expect(paths.has("model/scenes.safetensors")).toBe(name === "scenes");
  },
);
