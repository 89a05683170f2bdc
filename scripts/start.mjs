// The main job on the embedded default: make scenes, train a small PSPNet on them, score it, segment held-out scenes.
// Everything it does is the command line's; the commands are shown as they run.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function pspnet(args, { capture = false } = {}) {
  process.stderr.write(`\n$ npx pspnet ${args.join(" ")}\n`);
  const command = join(root, "packages/pspnet/dist/cli/main.js");
  const { status, stdout } = spawnSync(process.execPath, [command, ...args], { cwd: root, stdio: ["inherit", capture ? "pipe" : "inherit", "inherit"], encoding: "utf8" });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}
