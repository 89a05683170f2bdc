import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { PspnetError } from "@pspnet/core";
import { describeKeys } from "../config/keys.js";
import { loadTrainConfig } from "../config/load.js";
import { shellWord } from "../report/shellWord.js";
import { percent, table } from "../report/table.js";
import { train as runTraining } from "../train/train.js";
import { fromHere, interruptible, messages, print } from "./terminal.js";

export async function train(given: readonly string[]): Promise<void> {
  const { file, overrides } = fileAndKeys(given);
  const config = await loadTrainConfig(file, overrides, process.cwd());
  const { folder, ending, state } = await interruptible((signal) => runTraining(config, { signal, stream: messages }));
  if (ending === "interrupted" && state.step === 0)
    throw new PspnetError("interrupted", "stopped before the first step: nothing is kept");
  const place = fromHere(folder);
  if (ending === "interrupted") {
    const again = resumeCommand(file, overrides, { before: config.name, now: basename(folder) });
    throw new PspnetError("interrupted", `stopped after step ${state.step}, saved in ${place}; go on with\n  ${again}`);
  }
  if (state.best)
    print(`best mIoU ${percent(state.best.meanIoU)} % in epoch ${state.best.epoch}: ${place}/weights/best.safetensors`);
  print(`report: ${place}/report.html`);
}

/** The first argument is a file, unless it is a key and its value, and no file of that name is there. */
function fileAndKeys([first, ...rest]: readonly string[]): { file: string | null; overrides: readonly string[] } {
  if (first === undefined) {
    const mend = "`pspnet train --help` shows examples";
    throw new PspnetError("usage", `train: expected a YAML file, or keys with data.root=<folder> among them; ${mend}`);
  }
  if (existsSync(first) && statSync(first).isDirectory()) {
    const mend = `for the dataset there: npx pspnet train ${shellWord(`data.root=${first}`)}`;
    throw new PspnetError("usage", `train: expected a YAML file or keys, found the folder ${first}; ${mend}`);
  }
  const isKey = /^[\w.]+=/.test(first) && !existsSync(first);
  return isKey ? { file: null, overrides: [first, ...rest] } : { file: first, overrides: rest };
}

/** What goes on with a run, ready to be pasted; the run may have got another name than it was to have. */
function resumeCommand(
  file: string | null,
  overrides: readonly string[],
  name: { readonly before: string; readonly now: string },
): string {
  const renamed = name.now === name.before ? [] : [`name=${name.now}`];
  const replaced = renamed.length > 0 ? /^(resume|name)=/ : /^resume=/;
  const kept = overrides.filter((override) => !replaced.test(override));
  const words = [...(file === null ? [] : [file]), ...kept, ...renamed, "resume=true"];
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
