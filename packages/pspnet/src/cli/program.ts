import { Command } from "commander";
import { ablateCommand } from "./ablateCommand.js";
import { benchCommand } from "./benchCommand.js";
import { checkCommand } from "./checkCommand.js";
import { dataCommand } from "./dataCommand.js";
import { exportCommand } from "./export.js";
import { importCommand } from "./importCommand.js";
import { modelsCommand } from "./models.js";
import { predictCommand } from "./predictCommand.js";
import { pullCommand } from "./pullCommand.js";
import { quantiseCommand } from "./quantiseCommand.js";
import { serveCommand } from "./serveCommand.js";
import { trainCommand } from "./trainCommand.js";
import { valCommand } from "./valCommand.js";
import { workCommand } from "./workCommand.js";

/**
 * The command line. Each command stands in a file of its own; work that needs libtorch or sharp stands beside it and is imported only
 * when it runs, so that help loads neither. Commander answers an unknown flag or command with the nearest one.
 */
export function program(): Command {
  const root = new Command("pspnet")
    .description("Pyramid scene parsing: train, score and run PSPNet (arXiv 1612.01105)")
    .version("0.1.0")
    .addCommand(trainCommand())
    .addCommand(ablateCommand())
    .addCommand(valCommand())
    .addCommand(predictCommand())
    .addCommand(serveCommand())
    .addCommand(workCommand())
    .addCommand(importCommand())
    .addCommand(exportCommand())
    .addCommand(quantiseCommand())
    .addCommand(dataCommand())
    .addCommand(pullCommand())
    .addCommand(modelsCommand())
    .addCommand(benchCommand())
    .addCommand(checkCommand());
  for (const command of withCommands(root))
    command.exitOverride().showHelpAfterError("(add --help for the flags and examples)").allowExcessArguments(false);
  return root;
}

/** The command and all below it. */
function* withCommands(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* withCommands(child);
}
