import { PspnetError } from "./error.js";

/**
 * Which bytes of a file its parts take. In an honest file parts lie apart; so what is read off one is at most as much as it
 * has, and going in circles is told at once.
 */
export class Places {
  readonly #taken = new Map<number, { readonly to: number; readonly name: string }>();
  #left: number;

  /** @param size Bytes of the file. */
  constructor(size: number) {
    this.#left = size;
  }

  /**
   * Takes a part, one of no bytes excepted.
   *
   * @throws PspnetError "format" if another begins there too, or all together are more than the file.
   */
  take(from: number, to: number, name: string): void {
    if (from === to) return;
    const other = this.#taken.get(from);
    if (other) overlaps(name, other.name, from);
    this.#left -= to - from;
    if (this.#left < 0) throw new PspnetError("format", `${name} overlaps others: the parts are more than the file`);
    this.#taken.set(from, { to, name });
  }

  /** @throws PspnetError "format" if any two overlap. */
  checkApart(): void {
    let end = 0;
    let before = "";
    for (const [from, { to, name }] of [...this.#taken].sort(([a], [b]) => a - b)) {
      if (from < end) overlaps(name, before, from);
      end = to;
      before = name;
    }
  }
}

function overlaps(name: string, other: string, at: number): never {
  throw new PspnetError("format", `${name} overlaps ${other} at byte ${at}; the file is damaged or made to harm`);
}
