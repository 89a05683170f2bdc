// All set-up of a fresh machine: npm packages, libtorch, the native addon, the compiled TypeScript.
// Idempotent and quick when there is nothing to do; Node's own modules only. Where libtorch or its addon cannot be had it does
// the rest and says what that is good for; --require-libtorch, with which `npm start` and `npm test` call it first, fails then.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

class SetupError extends Error {}

function run(command, args, { mend }) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (error || status !== 0) {
    throw new SetupError(`${command} ${args.join(" ")}: ${error?.message ?? `exit code ${status}`}. ${mend}`);
  }
}

function step(title, work) {
  const start = performance.now();
  process.stderr.write(`setup: ${title}\n`);
  const result = work();
  const done = () =>
    process.stderr.write(`setup: ${title}: done in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return result instanceof Promise ? result.then(done) : done();
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 9)) return;
  throw new SetupError(
    `Node 20.9 or later is needed, this is ${process.versions.node}. Install it from nodejs.org or with your package manager.`,
  );
}

/** Installs the lock file's packages unless just these are installed already. No install script runs. */
function installPackages() {
  const stamp = join(root, "node_modules", ".pspnet-lock-hash");
  const hash = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  step("npm packages", () => {
    run("npm", ["ci", "--ignore-scripts"], {
      mend: "Check that the npm registry is reachable (npm ping), then run npm run setup again.",
    });
    writeFileSync(stamp, hash);
  });
}

/** Finds or fetches libtorch and compiles the addon; see packages/torch/native/build.mjs. Returns why it cannot, or null. */
async function addonProblem() {
  const { build } = await import(pathToFileURL(join(root, "packages", "torch", "native", "build.mjs")).href);
  try {
    await build({ log: (line) => process.stderr.write(`setup: ${line}\n`) });
    return null;
  } catch (error) {
    return error.message;
  }
}

function compileTypeScript() {
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b"], {
    mend: "The lines above name the files; a clean tree compiles, so look at local changes first (git status).",
  });
}

const withoutLibtorch = (problem, required) => `
${required ? "setup failed: libtorch is needed here and is not ready" : "setup: done, without libtorch"}.

${problem}

Works now, on onnxruntime: npx pspnet predict, val, export, bench, models, data, check; import { load } from "pspnet".
Does not without libtorch: npx pspnet train, npm start, npm test.
Once that is mended: npm run setup
`;

try {
  const { "require-libtorch": required } = parseArgs({ options: { "require-libtorch": { type: "boolean" } } }).values;
  requireNode();
  installPackages();
  const problem = await addonProblem();
  compileTypeScript();
  if (problem !== null) {
    process.stderr.write(withoutLibtorch(problem, required));
    if (required) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`setup failed: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
