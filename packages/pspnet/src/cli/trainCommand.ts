import { Command } from "commander";
import { examples } from "./options.js";

interface TrainFlags {
  readonly keys?: true;
  readonly budget?: string;
}

export function trainCommand(): Command {
  return new Command("train")
    .description(
      "train into runs/<name>: a folder of photographs and masks by what suits it and this machine, which is chosen and told, or a configuration as it is",
    )
    .argument("[data or config]", "folder, or YAML file; left out, the keys say everything")
    .argument("[key=value...]", "keys and values, before all that is chosen or in the file: lr=0.02 resume=true")
    .option("--budget <time>", "how long it may take, such as 30m: budget=30m")
    .option("--keys", "list every key with its default and meaning")
    .addHelpText(
      "after",
      examples(
        "pspnet train mydata --budget 30m",
        "pspnet train mydata init=resnet50 lr=0.002",
        "pspnet train mydata resume=true",
        "pspnet train camvid.yaml",
        "pspnet train camvid.yaml epochs=8 crop=321 batch=8",
        "pspnet train data.root=mydata name=first epochs=20",
        "pspnet train --keys",
      ),
    )
    .action(async (config: string | undefined, overrides: string[], { keys, budget }: TrainFlags) => {
      const command = await import("./train.js");
      const given = [...(config === undefined ? [] : [config]), ...overrides];
      await (keys ? command.printKeys() : command.train(given, { budget }));
    });
}
