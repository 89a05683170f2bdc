import type { Image } from "../image/image.js";
import type { LookOptions } from "./lookAtWindows.js";

/** How an image of a sequence counts in the average over time. */
export interface OverTime {
  /** Whose average: a number that its runtime knows no other sequence by. */
  readonly sequence: number;
  /** Of the image's own class probabilities, above 0 to 1; the rest is the average of the images before. */
  readonly share: number;
}

type Look<Logits> = LookOptions<Logits>["look"];

export interface AveragesOptions<Logits> {
  /** As `blendedProbabilities`. */
  readonly blend: (logits: Logits, before: Logits | undefined, share: number) => Logits | Promise<Logits>;
  /** Is given what no average needs any more. */
  readonly free?: (logits: Logits) => void;
}

/** A sequence of images: the size of the last, and the average of each of its windows. */
interface Sequence<Logits> {
  size: string;
  readonly windows: Map<string, Logits>;
  /** Settled when what was asked before is done. */
  last: Promise<unknown>;
}

/**
 * What a runtime keeps of sequences of images, such as a film's frames, to average their class probabilities over time: for each window
 * of an image, at every scale, as many numbers as the network gives of it, however many images there are.
 */
export class AveragesOverTime<Logits> {
  readonly #options: Required<AveragesOptions<Logits>>;
  readonly #sequences = new Map<number, Sequence<Logits>>();

  constructor({ blend, free = () => {} }: AveragesOptions<Logits>) {
    this.#options = { blend, free };
  }

  /**
   * Runs `work` with a `look` that gives averages in place of the image's own logits, when what was asked of the sequence before is done.
   * They are kept here: nobody else frees them. An image of another size than the one before begins anew.
   */
  over<R>(
    image: Image,
    { sequence: id, share }: OverTime,
    look: Look<Logits>,
    work: (look: Look<Logits>) => Promise<R>,
  ): Promise<R> {
    const sequence = this.#sequences.get(id) ?? { size: "", windows: new Map(), last: Promise.resolve() };
    this.#sequences.set(id, sequence);
    const done = sequence.last.then(() => {
      const size = `${image.height}x${image.width}`;
      if (sequence.size !== size) this.#clear(sequence);
      sequence.size = size;
      return work(this.#blended(sequence, look, share));
    });
    sequence.last = done.catch(() => {});
    return done;
  }

  /** Frees what is kept of a sequence, when what was asked of it is done. */
  async forget(id: number): Promise<void> {
    const sequence = this.#sequences.get(id);
    if (!sequence) return;
    this.#sequences.delete(id);
    await sequence.last;
    this.#clear(sequence);
  }

  #blended({ windows }: Sequence<Logits>, look: Look<Logits>, share: number): Look<Logits> {
    const { blend, free } = this.#options;
    return async (photograph, places) => {
      const averages: Logits[] = [];
      for (const [i, logits] of (await look(photograph, places)).entries()) {
        const key = JSON.stringify(places[i]);
        const before = windows.get(key);
        const average = await blend(logits, before, share);
        windows.set(key, average);
        free(logits);
        if (before) free(before);
        averages.push(average);
      }
      return averages;
    };
  }

  #clear({ windows }: Sequence<Logits>): void {
    for (const logits of windows.values()) this.#options.free(logits);
    windows.clear();
  }
}
