import { createRequire } from "node:module";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { PspnetError } from "@pspnet/core";

declare const handleBrand: unique symbol;

/** A native tensor. Opaque: only the functions of {@link native} look inside. */
export interface Handle {
  readonly [handleBrand]: true;
}

// The addon's functions check what they are given, so here they all look alike.
type Native = Readonly<Record<string, (...values: readonly unknown[]) => unknown>>;

const path = "../build/pspnet_torch.node";
let loaded: Native | undefined;

/**
 * The native functions. libtorch is loaded by the first call, not by importing the package.
 * @throws {PspnetError} `environment`, when the addon is not built or cannot be loaded.
 */
export function native(): Native {
  loaded ??= start(load());
  return loaded;
}

/** What computes at the end is waited for at most so long, in milliseconds: a part of a run, however large, is shorter. */
const PATIENCE = 30_000;

/** The compute thread must be at rest when the process ends, as it may at any moment by `process.exit`. */
function start(addon: Native): Native {
  if (isMainThread) process.once("exit", (code) => addon.stopComputing(PATIENCE, code));
  return addon;
}

function load(): Native {
  const require = createRequire(import.meta.url);
  try {
    return require(path) as Native;
  } catch (cause) {
    const file = new URL(path, import.meta.url).pathname;
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const missing = (cause as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND";
    const found = missing ? "it is not built" : `it does not load: ${reason}`;
    throw new PspnetError(
      "environment",
      `libtorch: expected the native addon ${file}, but ${found}; build it with \`npm run setup\` in the repository, or \`node node_modules/@pspnet/torch/native/build.mjs\` where the package is installed`,
      { cause },
    );
  }
}
