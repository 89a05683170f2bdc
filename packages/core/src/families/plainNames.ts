/** Fields in which programs that train keep a network's weights, and prefixes that wrappers of networks leave. */
const WRAPPERS = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"];

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

function wrapperOf(plain: ReadonlyMap<string, string | null>): string | undefined {
  const rest = [...plain.values()].filter((name) => name !== null);
  return WRAPPERS.map((wrapper) => `${wrapper}.`).find((prefix) => rest.some((name) => name.startsWith(prefix)));
}
