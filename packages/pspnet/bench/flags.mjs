// The flags of a benchmark.
import { parseArgs } from "node:util";

/** Values by name: of the command line, or the defaults, which say whether one is a number, a text or a switch. */
export function flags(defaults) {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, { type: value === false ? "boolean" : "string" }]),
  );
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const typed = Object.entries(defaults).map(([name, value]) => {
    const given = values[name] ?? value;
    return [name, typeof value === "number" ? Number(given) : given];
  });
  return { ...Object.fromEntries(typed), positionals };
}
