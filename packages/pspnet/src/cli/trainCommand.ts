import { Command } from "commander";
import { examples } from "./options.js";

export function trainCommand(): Command {
  return new Command("train")
    .description("train into runs/<name>; any key of the configuration can be given as key=value")
    .argument("[config]", "YAML file; left out, the keys say everything")
    .argument("[key=value...]", "keys and values, over those of the file: lr=0.02 model.backbone.layers=18 resume=true")
    .option("--keys", "list every key with its default and meaning")
    .addHelpText(
      "after",
      examples(
        "pspnet train camvid.yaml",
        "pspnet train camvid.yaml epochs=8 crop=321 batch=8",
        "pspnet train camvid.yaml resume=true",
        "pspnet train data.root=mydata name=first epochs=20",
        "pspnet train --keys",
      ),
    )
    .action(async (config: string | undefined, overrides: string[], options: { keys?: true }) => {
      const command = await import("./train.js");
      await (options.keys ? command.printKeys() : command.train(config === undefined ? [] : [config, ...overrides]));
    });
}
