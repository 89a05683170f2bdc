import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { PspnetError } from "@pspnet/core";

declare const handleBrand: unique symbol;

/** A native tensor. Opaque: only the functions of {@link native} look inside. */
export interface Handle {
  readonly [handleBrand]: true;
}

// The addon's functions check what they are given, so here they all look alike.
type Native = Readonly<Record<string, (...values: readonly unknown[]) => unknown>>;

const require = createRequire(import.meta.url);

/** What `native/build.mjs` compiles here. */
const BUILT = fileURLToPath(new URL("../build/pspnet_torch.node", import.meta.url));

/** The optional package that brings the addon compiled, with its libraries, for this system. */
const PREBUILT = `@pspnet/torch-${process.platform}-${process.arch}`;

let loaded: Native | undefined;

/**
 * The native functions. libtorch is loaded by the first call, not by importing the package.
 * @throws {PspnetError} `environment`, when the addon is not built or cannot be loaded.
 */
export function native(): Native {
  loaded ??= start(load());
  return loaded;
}

/**
 * For a main thread that leaves libtorch to a worker: has the end of the process wait for what computes, and for no rank of a group. A
 * worker that waits for one cannot be ended otherwise.
 */
export function restAtExit(): void {
  native();
}

/** What computes at the end is waited for at most so long, in milliseconds: a part of a run, however large, is shorter. */
const PATIENCE = 30_000;

/** The compute thread must be at rest when the process ends, as it may at any moment by `process.exit`. */
function start(addon: Native): Native {
  if (isMainThread) process.once("exit", (code) => addon.stopComputing(PATIENCE, code));
  return addon;
}

/** What was compiled here goes first: whoever did so wants just these sources, or a libtorch of their own, such as one for a GPU. */
function load(): Native {
  if (existsSync(BUILT)) return loadFrom(BUILT, `build it anew with ${BUILD}`);
  const { version } = require("../package.json") as { readonly version: string };
  const install = `npm install ${PREBUILT}@${version}`;
  const manifest = prebuilt();
  if (manifest === null) {
    const found = `${PREBUILT} is not installed (npm leaves it out without a word where it has none for a system), and it is not built`;
    throw unusable(
      `${BUILT}, or one that npm brings, but ${found}; build it with ${BUILD}, or \`${install}\` where there is one`,
    );
  }
  if (manifest.version !== version) {
    throw unusable(
      `of ${PREBUILT} ${version}, the version of @pspnet/torch, but found ${manifest.version}; \`${install}\``,
    );
  }
  return loadFrom(
    require.resolve(PREBUILT),
    `delete that package's folder and \`${install}\`, or build one with ${BUILD}`,
  );
}

const BUILD =
  "`npm run setup` in the repository, or `node node_modules/@pspnet/torch/native/build.mjs` where the package is installed";

function prebuilt(): { readonly version: string } | null {
  try {
    return require(`${PREBUILT}/package.json`) as { readonly version: string };
  } catch {
    return null;
  }
}

function loadFrom(file: string, mend: string): Native {
  try {
    return require(file) as Native;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw unusable(`${file}, but it does not load: ${reason}; ${mend}`, cause);
  }
}

function unusable(problem: string, cause?: unknown): PspnetError {
  return new PspnetError("environment", `libtorch: expected the native addon ${problem}`, { cause });
}
