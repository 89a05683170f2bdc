import { existsSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import { describeKeys } from "../config/keys.js";
import { givenKeys, loadTrainConfig } from "../config/load.js";
import { plannedConfig } from "../plan/plannedConfig.js";
import { nameOf, planRun } from "../plan/planRun.js";
import { launchedPlace } from "../ranks/launchedPlace.js";
import { shellWord } from "../report/shellWord.js";
import { percent, table } from "../report/table.js";
import { launch } from "../train/launch.js";
import type { TrainResult } from "../train/train.js";
import { fromHere, interruptible, messages, print } from "./terminal.js";

export async function train(given: readonly string[], { budget }: { readonly budget?: string } = {}): Promise<void> {
  const { what, keys } = whatAndKeys(given);
  const overrides = budget === undefined ? keys : [`budget=${budget}`, ...keys];
  const isData = what !== null && isFolder(what);
  const { folder, ending, state, name } = await interruptible((signal) =>
    isData ? trainOnFolder(what, overrides, signal) : trainAsConfigured(what, overrides, signal),
  );
  if (ending === "interrupted" && state.step === 0) throw new PspnetError("interrupted", NOTHING_KEPT);
  // Another rank of a launcher's tells.
  if ((launchedPlace()?.rank ?? 0) > 0) return;
  const place = fromHere(folder);
  if (ending === "interrupted") {
    const again = resumeCommand(what, overrides, { before: name, now: basename(folder) });
    throw new PspnetError("interrupted", `stopped after step ${state.step}, saved in ${place}; go on with\n  ${again}`);
  }
  if (state.best)
    print(`best mIoU ${percent(state.best.meanIoU)} % in epoch ${state.best.epoch}: ${place}/weights/best.safetensors`);
  print(`report: ${place}/report.html`);
}

const NOTHING_KEPT = "stopped before the first step: nothing is kept";

/** What a run came to, and the name that it was to have. */
type Trained = TrainResult & { readonly name: string };

async function trainAsConfigured(
  file: string | null,
  overrides: readonly string[],
  signal: AbortSignal,
): Promise<Trained> {
  const config = await loadTrainConfig(file, overrides, process.cwd());
  return { ...(await launch(config, { signal, stream: messages })), name: config.name };
}

/** Plans a run on the photographs of a folder, or goes on with one that was planned before. */
async function trainOnFolder(data: string, overrides: readonly string[], signal: AbortSignal): Promise<Trained> {
  const launcher = launchedPlace()?.launcher;
  if (launcher !== undefined) {
    const mend = `plan it once without ${launcher}, and give the run's config.yaml`;
    throw new PspnetError("usage", `train: ${launcher}: expected a configuration, found the folder ${data}; ${mend}`);
  }
  const given = givenKeys(overrides, process.cwd());
  if (given.resume === true) {
    const config = await plannedConfig(data, given);
    return { ...(await launch(config, { signal, stream: messages })), name: config.name };
  }
  const { config, folder } = await planRun(data, { given, signal, stream: messages }).catch((error: Error) => {
    throw signal.aborted ? new PspnetError("interrupted", NOTHING_KEPT) : error;
  });
  const name = typeof given.name === "string" ? given.name : nameOf(resolve(data));
  try {
    return { ...(await launch(config, { signal, stream: messages, placed: true })), name };
  } catch (error) {
    // What fails before the run begins leaves nothing.
    if (!existsSync(join(folder, "config.yaml"))) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The first argument is a folder or a file, unless it is a key and its value, and nothing of that name is there. */
function whatAndKeys([first, ...rest]: readonly string[]): { what: string | null; keys: readonly string[] } {
  if (first === undefined) {
    const mend = "`pspnet train --help` shows examples";
    throw new PspnetError(
      "usage",
      `train: expected a folder of photographs and masks, a YAML file, or keys with data.root=<folder> among them; ${mend}`,
    );
  }
  if (existsSync(first)) return { what: first, keys: rest };
  if (/^[\w.]+=/.test(first)) return { what: null, keys: [first, ...rest] };
  if (/\.ya?ml$/.test(first)) return { what: first, keys: rest };
  throw new PspnetError(
    "usage",
    `train: expected a folder of photographs and masks, or a YAML file, found nothing at ${first}`,
  );
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** What goes on with a run, ready to be pasted; the run may have got another name than it was to have. */
function resumeCommand(
  what: string | null,
  overrides: readonly string[],
  name: { readonly before: string; readonly now: string },
): string {
  const renamed = name.now === name.before ? [] : [`name=${name.now}`];
  const replaced = renamed.length > 0 ? /^(resume|name)=/ : /^resume=/;
  const kept = overrides.filter((override) => !replaced.test(override));
  const words = [...(what === null ? [] : [what]), ...kept, ...renamed, "resume=true"];
  return ["npx pspnet train", ...words.map(shellWord)].join(" ");
}

export function printKeys(): void {
  print(
    table(
      ["key", "default", "meaning"],
      describeKeys().map(({ key, fallback, meaning }) => [key, fallback, meaning]),
    ),
  );
}
