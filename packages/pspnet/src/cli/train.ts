import { relative } from "node:path";
import { PspnetError } from "@pspnet/core";
import { describeKeys } from "../config/keys.js";
import { loadTrainConfig } from "../config/load.js";
import { table } from "../report/table.js";
import { train as runTraining } from "../train/train.js";
import { interruptible, messages, print } from "./terminal.js";

export async function train(file: string | undefined, overrides: readonly string[]): Promise<void> {
  if (file === undefined)
    throw new PspnetError("usage", "train: expected a YAML file; `pspnet train --help` shows examples");
  const config = await loadTrainConfig(file, overrides, process.cwd());
  const { folder, ending, state } = await interruptible((signal) => runTraining(config, { signal, stream: messages }));
  const place = relative(process.cwd(), folder) || ".";
  if (ending === "interrupted") {
    const again = [
      "pspnet train",
      file,
      ...overrides.filter((override) => !override.startsWith("resume=")),
      "resume=true",
    ];
    throw new PspnetError(
      "interrupted",
      `stopped after step ${state.step}, saved in ${place}; go on with\n  ${again.join(" ")}`,
    );
  }
  if (state.best)
    print(
      `best mIoU ${(100 * state.best.meanIoU).toFixed(2)} % in epoch ${state.best.epoch}: ${place}/weights/best.safetensors`,
    );
  print(`report: ${place}/report.html`);
}

export function printKeys(): void {
  print(
    table(
      ["key", "default", "meaning"],
      describeKeys().map(({ key, fallback, meaning }) => [key, fallback, meaning]),
    ),
  );
}
