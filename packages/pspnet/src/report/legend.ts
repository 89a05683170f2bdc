import { type ClassList, HATCH, IGNORE, type LabelMap, type Rgb, type Size } from "@pspnet/core";
import { escapeMarkup } from "./markup.js";

/** Words and swatches that are laid over and under pictures. */
export interface Drawing {
  readonly svg: string;
  readonly height: number;
}

/** Pixels that a line of text takes. */
export const LINE = 24;
/** Room for a letter, of the widest sans-serif fonts. */
export const LETTER = 8.2;
export const TEXT = `font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#222"`;
const SWATCH = 14;

export function drawing(items: readonly string[], { width, height }: Size): Drawing {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${items.join("")}</svg>`;
  return { svg, height };
}

/** The labels that the maps have. */
export function labelsIn(maps: readonly LabelMap[]): ReadonlySet<number> {
  const seen = new Uint8Array(256);
  for (const { data } of maps) for (const id of data) seen[id] = 1;
  return new Set(Array.from(seen.keys()).filter((id) => seen[id] === 1));
}

/** A name and what its pixels look like. */
interface Entry {
  readonly name: string;
  readonly colour: Rgb;
  readonly hatched?: true;
}

/** The classes among the labels, and what is ignored if that is. */
export function legendOf(labels: ReadonlySet<number>, { names, palette }: ClassList): Entry[] {
  const classes = names
    .map((name, id) => ({ name, colour: palette[id], shown: labels.has(id) }))
    .filter(({ shown }) => shown);
  return labels.has(IGNORE) ? [...classes, { name: "ignored", colour: [0, 0, 0], hatched: true }] : classes;
}

/** Swatches and names from left to right, in as many lines as they need. */
export function legendSvg(entries: readonly Entry[], width: number): Drawing {
  let x = 4;
  let y = 10;
  const items = entries.map((entry) => {
    const needed = SWATCH + 6 + LETTER * entry.name.length + 10;
    if (x + needed > width && x > 4) {
      x = 4;
      y += LINE;
    }
    const drawn = swatch(entry, x + 0.5, y + 0.5);
    const text = `<text x="${x + SWATCH + 6}" y="${y + 12}" ${TEXT}>${escapeMarkup(entry.name)}</text>`;
    x += needed;
    return drawn + text;
  });
  return drawing(items, { width, height: y + LINE });
}

function swatch({ colour, hatched }: Entry, x: number, y: number): string {
  const shape = `width="${SWATCH}" height="${SWATCH}" stroke="#999" stroke-width="1"`;
  const square = `<rect x="${x}" y="${y}" ${shape} fill="rgb(${colour.join()})"/>`;
  if (!hatched) return square;
  const half = SWATCH / 2;
  const ends = [
    [0, half, half],
    [0, SWATCH, SWATCH],
    [half, SWATCH, half],
  ];
  const lines = ends.map(([left, top, length]) => `M${x + left} ${y + top}l${length} -${length}`);
  return `${square}<path d="${lines.join("")}" stroke="rgb(${HATCH.join()})" stroke-width="2.5"/>`;
}
