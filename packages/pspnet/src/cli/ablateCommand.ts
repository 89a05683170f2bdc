import { Command } from "commander";
import { examples, tableNumbers } from "./options.js";

const KEYS = `
Keys:
  scale=laptop      tiny networks on made scenes, all tables in well under an hour on two cores
  scale=paper       ADE20K as the paper trains and scores it; data.root=<folder> that pspnet data prepare made ready
  seeds=3           trainings of each row, from seed= on
  out=<folder>      of the study (runs/ablate-<scale>); the same command goes on with what is there
  shard=i/n         train every n-th run from the i-th on, to share them among machines; several processes may have one folder too
  jobs=n            runs side by side, each a process (laptop: one for each core)
  depths=[50,101]   backbones of table 3, of those that the scale has
  and every key of a training (pspnet train --keys) that no row decides; {depth} in init= is the depth of a row's backbone
`;

export function ablateCommand(): Command {
  return new Command("ablate")
    .description("train and score the rows of the paper's tables 1 to 4, and set them beside its figures")
    .argument("[key=value...]", "scale=, what else is said below, and keys of a training")
    .option("--table <list>", "tables to work on, such as 1,2 (default: all four)", tableNumbers)
    .option("--list", "what would be trained, what of it is done, and the time it takes; trains nothing")
    .option("--show", "write and print the tables of what is done; trains nothing")
    .addHelpText(
      "after",
      KEYS +
        examples(
          "pspnet ablate scale=laptop --list",
          "pspnet ablate scale=laptop",
          "pspnet ablate scale=laptop --table 1 seeds=5",
          "pspnet ablate scale=paper data.root=ADEChallengeData2016 'init=resnet{depth}.safetensors' shard=1/8",
          "pspnet ablate scale=laptop --show",
        ),
    )
    .action(async (words: string[], options) => (await import("./ablate.js")).ablate(words, options));
}
