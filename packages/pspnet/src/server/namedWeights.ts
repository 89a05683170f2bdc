import { basename } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { NamedWeights } from "./options.js";

/**
 * Networks by name, of what a command is given: `name=weights`, or weights, whose name is that of their file without its ending.
 *
 * @throws PspnetError "usage" for two of one name, and for a name that a URL does not hold as it is.
 */
export function namedWeights(given: readonly string[]): NamedWeights[] {
  const all = given.map(named);
  for (const [i, { name, weights }] of all.entries()) {
    const other = all.findIndex((one) => one.name === name);
    if (other === i) continue;
    const both = `${all[other].weights} and ${weights}`;
    throw new PspnetError("usage", `${both} are both named ${name}; give them names: other=${weights}`);
  }
  return all;
}

const NAME = /^[\w.-]{1,80}$/;

function named(given: string): NamedWeights {
  const at = given.indexOf("=");
  const [name, weights] =
    at > 0 && NAME.test(given.slice(0, at)) ? [given.slice(0, at), given.slice(at + 1)] : [stem(given), given];
  if (NAME.test(name) && weights !== "") return { name, weights };
  const expected = "a name of at most 80 letters, digits, dots, hyphens and underscores";
  throw new PspnetError(
    "usage",
    `${given}: expected ${expected}, found ${JSON.stringify(name)}; give one: name=${given}`,
  );
}

function stem(path: string): string {
  return basename(path).replace(/\.safetensors$/, "");
}
