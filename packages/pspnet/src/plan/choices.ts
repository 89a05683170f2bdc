import type { TrainConfig } from "../config/schema.js";
import { merge, type Tree, treeOf, valueAt } from "../config/tree.js";

/** One thing that a plan settles: `crop=[225,297]`, and why. */
export interface Choice {
  readonly setting: string;
  readonly why: string;
}

/** A value for a key, and why it is this one. */
export type Chosen<T> = readonly [value: T, why: string];

/** What a plan settles, one thing after the other. What the command line gives stands, and later choices are made for it. */
export class Choices {
  /** The keys that were chosen. */
  keys: Tree = {};
  readonly made: Choice[] = [];

  /** @param said all that the command line gives, checked, with defaults for the rest. */
  constructor(
    private readonly given: Tree,
    readonly said: TrainConfig,
  ) {}

  isGiven(key: string): boolean {
    return valueAt(this.given, key.split(".")) !== undefined;
  }

  /** The value of a key: as given, else as `choose` has it. */
  choose<T>(key: string, choose: () => Chosen<T>): T {
    const path = key.split(".");
    if (this.isGiven(key)) {
      const value = valueAt(this.said as unknown as Tree, path) as T;
      this.say(`${key}=${shown(value)}`, "as you say");
      return value;
    }
    const [value, why] = choose();
    this.set(key, value);
    this.say(`${key}=${shown(value)}`, why);
    return value;
  }

  /** Sets a key without a line of its own. */
  set(key: string, value: unknown): void {
    this.keys = merge(this.keys, treeOf(key.split("."), value));
  }

  say(setting: string, why: string): void {
    this.made.push({ setting, why });
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
