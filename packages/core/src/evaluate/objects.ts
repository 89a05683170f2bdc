import { IGNORE, type LabelMap } from "../image/image.js";

/** Areas, in pixels, below which an object is small or medium: COCO's (Lin et al., ECCV 2014, arXiv 1405.0312). */
export const OBJECT_SIZES = [
  { name: "small", below: 32 ** 2 },
  { name: "medium", below: 96 ** 2 },
  { name: "large", below: Infinity },
] as const;

export type ObjectSize = (typeof OBJECT_SIZES)[number]["name"];

/** How objects of one size are seen. */
export interface ObjectScore {
  readonly size: ObjectSize;
  readonly objects: number;
  /** Share of the objects of whose pixels half or more are predicted as their class. */
  readonly found: number;
  /** Mean share of an object's pixels that are predicted as its class: each object counts alike, however few pixels it has. */
  readonly recall: number;
}

/** Of one size, summed over objects. */
export interface ObjectSum {
  readonly objects: number;
  readonly found: number;
  readonly recall: number;
}

/** How the objects of many images are seen, by their size. An object is a connected part (by edges and corners) of one class in the truth. */
export class ObjectScores {
  readonly #sums: { -readonly [K in keyof ObjectSum]: number }[];

  /** @param sums of each size. */
  constructor(sums: readonly ObjectSum[] = OBJECT_SIZES.map(() => ({ objects: 0, found: 0, recall: 0 }))) {
    this.#sums = sums.map((sum) => ({ ...sum }));
  }

  add(prediction: LabelMap, truth: LabelMap): this {
    for (const { area, hits } of objectsOf(truth, prediction)) {
      const sum = this.#sums[OBJECT_SIZES.findIndex(({ below }) => area < below)];
      const recall = hits / area;
      sum.objects++;
      sum.recall += recall;
      if (recall >= 0.5) sum.found++;
    }
    return this;
  }

  /** Adds the sums of other images. */
  merge(other: ObjectScores): this {
    for (const [i, sum] of this.#sums.entries()) {
      const more = other.#sums[i];
      sum.objects += more.objects;
      sum.found += more.found;
      sum.recall += more.recall;
    }
    return this;
  }

  toJSON(): readonly ObjectSum[] {
    return this.#sums.map((sum) => ({ ...sum }));
  }

  scores(): ObjectScore[] {
    return this.#sums.map(({ objects, found, recall }, i) => {
      const count = Math.max(objects, 1);
      return { size: OBJECT_SIZES[i].name, objects, found: found / count, recall: recall / count };
    });
  }
}

/** The area of each object, and how many of its pixels are predicted as its class. */
function* objectsOf(
  { width, height, data }: LabelMap,
  prediction: LabelMap,
): Generator<{ area: number; hits: number }> {
  const seen = new Uint8Array(data.length);
  const open = new Uint32Array(data.length);
  for (let first = 0; first < data.length; first++) {
    const label = data[first];
    if (seen[first] || label === IGNORE) continue;
    let [count, area, hits] = [1, 0, 0];
    open[0] = first;
    seen[first] = 1;
    while (count > 0) {
      const at = open[--count];
      area++;
      if (prediction.data[at] === label) hits++;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u;
          if (seen[next] || data[next] !== label) continue;
          seen[next] = 1;
          open[count++] = next;
        }
      }
    }
    yield { area, hits };
  }
}
