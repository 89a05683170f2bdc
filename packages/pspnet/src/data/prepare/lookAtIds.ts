import { type ColourTable, describeIds, UNKNOWN } from "../ids.js";
import { readMask } from "../masks.js";
import type { Pair } from "../source.js";
import { spread } from "../spread.js";

/** Masks that are looked at, from all over a split. */
const LOOKED_AT = 48;

/** Pixels by id in some of the masks; those that cannot be read are passed over. */
export async function countIds(pairs: readonly Pair[]): Promise<Float64Array> {
  const pixels = new Float64Array(256);
  for (const { mask } of spread(pairs, LOOKED_AT)) {
    const read = mask === null ? null : await readMask(mask).catch(() => null);
    for (const id of read?.data ?? []) pixels[id]++;
  }
  return pixels;
}

/** What in some of a split's masks is no class. */
export async function strangeIds(
  masks: readonly string[],
  { ids, colours }: { readonly ids: Uint16Array; readonly colours?: ColourTable },
): Promise<string[]> {
  const strange = new Map<number, string>();
  const problems: string[] = [];
  for (const path of spread(masks, LOOKED_AT)) {
    try {
      const { data, kind } = await readMask(path, { colours });
      if (kind === "colours") continue;
      for (const id of data) if (ids[id] === UNKNOWN && !strange.has(id)) strange.set(id, path);
    } catch (cause) {
      problems.push((cause as Error).message);
    }
  }
  if (strange.size > 0) {
    const found = [...strange.keys()].sort((a, b) => a - b).join(", ");
    const [where] = strange.values();
    const mend = "a palette that was lost, or another dataset? take the masks as they were published";
    problems.push(`${where}: expected ids ${describeIds(ids)}, found ${found}; ${mend}`);
  }
  return problems;
}
