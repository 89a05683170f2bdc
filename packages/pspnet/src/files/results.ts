import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** The ends of the names of the pictures that `predict` writes of an image. */
export const RESULT = { labels: ".labels.png", colour: ".colour.png", overlay: ".overlay.png" } as const;

/** The end of the name of their record, which says what they are of. */
export const RECORD = ".json";

/** The ends of the names of what `predict` writes of a film. */
export const FILM_RESULT = { overlay: ".overlay.mp4", areas: ".areas.jsonl" } as const;

/** Whether a picture or film is one that `predict` wrote: it has the name of one, and their record, or areas, lie beside it. */
export async function isResult(file: string): Promise<boolean> {
  const { overlay, areas } = FILM_RESULT;
  if (file.endsWith(overlay)) return existsSync(file.slice(0, -overlay.length) + areas);
  const end = Object.values(RESULT).find((one) => file.endsWith(one));
  if (end === undefined) return false;
  const text = await readFile(file.slice(0, -end.length) + RECORD, "utf8").catch(() => "");
  try {
    const { image, areas } = JSON.parse(text);
    return typeof image === "string" && Array.isArray(areas);
  } catch {
    return false;
  }
}
