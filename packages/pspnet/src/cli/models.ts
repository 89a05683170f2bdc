import { type StandardModelOptions, standardModels } from "@pspnet/core";
import { table } from "../report/table.js";
import { print, printJson } from "./terminal.js";

interface ModelsFlags extends StandardModelOptions {
  readonly json?: true;
}

export function models({ classes, size, json }: ModelsFlags): void {
  const { height, width } = size;
  const all = standardModels({ classes, size });
  if (json) {
    printJson({ size: [height, width], models: all });
    return;
  }
  const rows = all.map(({ name, stem, classes, parameters, predictionParameters, direct, factorised }) => [
    name,
    stem,
    String(classes),
    parameters.toLocaleString("en"),
    predictionParameters.toLocaleString("en"),
    direct.toFixed(1),
    factorised.toFixed(1),
  ]);
  print(table(["model", "stem", "classes", "parameters", "in prediction", "GMAC direct", "factorised"], rows));
  print(`\nGMAC: 10^9 multiply-adds of one image of ${height}x${width}; pspnet runs the factorised form`);
}
