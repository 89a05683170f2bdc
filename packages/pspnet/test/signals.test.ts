import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeScenes } from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// What a user stops by Ctrl-C, and a supervisor by a signal to npm alone, saves its work and says how to go on.

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Keys of a training whose steps take milliseconds. */
const SMALL = [
  ...[
    "model.backbone.width=4",
    "model.head.channels=8",
    "model.auxiliary.channels=8",
    "crop=33",
    "batch=4",
    "workers=0",
  ],
  ...["budget=null", "cache=none", "precision=fp32", "validation.every=1000"],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-signals-"));
  for (const name of ["node_modules", "packages", "examples"])
    await symlink(join(root, name), join(folder, name), "dir");
  await mkdir(join(folder, "scripts"));
  await cp(join(root, "scripts", "start.mjs"), join(folder, "scripts", "start.mjs"));
  await cp(join(root, "package.json"), join(folder, "package.json"));
  await writeFile(join(folder, "scripts", "setup.mjs"), "");
  await writeScenes({ folder: join(folder, "runs", "scenes-data"), train: 8, val: 6, width: 48, height: 40, seed: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Both streams, as they came, of the command and all below it. */
  readonly text: string;
}

/** Runs a command in the folder until nothing writes to its streams any more, and tells what is there whenever there is more. */
function run(
  command: string,
  args: readonly string[],
  onText: (text: string, child: ChildProcess) => void,
): Promise<Ended> {
  return new Promise((resolve) => {
    // A user's shell sets none of npm's variables, as the tests' own npm does.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
    const child = spawn(command, args, { cwd: folder, env });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (part) => {
        text += part;
        onText(text, child);
      });
    child.on("close", (code, signal) => resolve({ code, signal, text }));
  });
}

/** Sends a signal to the command alone, once, when the live line shows steps. */
const stopWith = (signal: NodeJS.Signals) => (text: string, child: ChildProcess) => {
  if (/^train \d/m.test(text) && !child.killed) child.kill(signal);
};

describe("npm start", () => {
  const start = (keys: readonly string[], onText: Parameters<typeof run>[2]) =>
    run("npm", ["start", ...(keys.length > 0 ? ["--", ...keys] : [])], onText);

  test("broken off goes on where it was, and finished begins another run, and says so", async () => {
    const keys = [...SMALL, "epochs=40"];
    const first = await start(keys, stopWith("SIGINT"));
    expect(first.text).toMatch(/saved in runs\/scenes;/);
    expect(first.text).toMatch(/Run npm start again to go on from here:\n {2}npm start -- .*epochs=40\n/);
    expect(first.signal ?? first.code).not.toBe(0);
    const second = await start([], () => {});
    expect(second.text).toContain("runs/scenes was broken off: going on with it");
    expect(second.text).toMatch(/train \d+\/80[\s\S]*mIoU on 6 held-out scenes/);
    expect(second.code).toBe(0);
    expect(existsSync(join(folder, "runs", "scenes-2"))).toBe(false);
    const metrics = await readFile(join(folder, "runs", "scenes", "metrics.csv"), "utf8");
    expect(metrics.trim().split("\n").at(-1)).toMatch(/^80,/);
    const third = await start(keys, stopWith("SIGTERM"));
    expect(third.text).toContain("runs/scenes exists: this run is runs/scenes-2");
    expect(third.text).toMatch(/saved in runs\/scenes-2;/);
    const other = await start([...SMALL, "epochs=2"], () => {});
    expect(other.text).toMatch(
      /runs\/scenes-2 was broken off, and begun with other keys[\s\S]*this run is runs\/scenes-3\n/,
    );
    expect(other.code).toBe(0);
  });
});

describe("npx pspnet train", () => {
  test("SIGTERM to npx alone ends the training, saved", async () => {
    const keys = ["examples/scenes.yaml", ...SMALL, "epochs=10000", "name=told"];
    const { text } = await run("npx", ["pspnet", "train", ...keys], stopWith("SIGTERM"));
    expect(text).toMatch(/stopped after step \d+, saved in runs\/told; go on with/);
    expect(existsSync(join(folder, "runs", "told", "state", "checkpoint.safetensors"))).toBe(true);
  });

  test("one Ctrl-C that comes twice, from the terminal and from npm, is one", async () => {
    const command = join(root, "packages", "pspnet", "bin", "pspnet.js");
    const keys = ["examples/scenes.yaml", ...SMALL, "epochs=10000", "name=twice"];
    const { text, code } = await run(process.execPath, [command, "train", ...keys], (said, child) => {
      if (!/^train \d/m.test(said) || child.killed) return;
      for (let i = 0; i < 2; i++) {
        child.kill("SIGINT");
        const until = performance.now() + 5;
        while (performance.now() < until);
      }
    });
    expect(text).toMatch(/saved in runs\/twice; go on with/);
    expect(code).toBe(1);
  });
});
