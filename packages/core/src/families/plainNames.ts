/** Fields in which programs that train keep a network's weights. */
const FIELDS = ["state_dict", "model_state_dict", "model_state"];
/** The same, or what wrappers of networks leave, or modules of a network. */
const MODULES = ["model", "net", "network", "module"];

/**
 * The names below the wrappers, by the names in the file; null for what stands beside the weights, such as the optimiser's
 * state: `state_dict.module.cls.0.weight` is `cls.0.weight`.
 */
export function plainNames(names: Iterable<string>): Map<string, string | null> {
  let plain = new Map<string, string | null>([...names].map((name) => [name, name]));
  for (let wrapper = wrapperOf(plain); wrapper !== undefined; wrapper = wrapperOf(plain)) {
    const inside = (name: string | null) => (name?.startsWith(wrapper!) ? name.slice(wrapper!.length) : null);
    plain = new Map([...plain].map(([name, rest]) => [name, inside(rest)]));
  }
  return plain;
}

/** What stands beside a network: losses, averages of its weights, what trains it. */
const BESIDE = /(^|_)(optim\w*|sched\w*|scaler|loss|criterion|ema|average\w*|avg|swa|teacher|state|dict)(_|$)/i;

function wrapperOf(plain: ReadonlyMap<string, string | null>): string | undefined {
  const names = [...plain.values()].filter((name) => name !== null);
  const some = (word: string) => names.some((name) => name.startsWith(`${word}.`));
  const word = FIELDS.find(some) ?? MODULES.find((module) => some(module) && holdsAll(module, names));
  return word && `${word}.`;
}

/** Beside a network's weights stand no others but its averages and losses; beside a module's stand other modules'. */
function holdsAll(module: string, names: readonly string[]): boolean {
  const others = names.filter((name) => !name.startsWith(`${module}.`) && name.endsWith(".weight"));
  return others.every((name) => BESIDE.test(name.split(".")[0]));
}
