import { Problem } from "./problem.js";

/** Seconds whose requests may come at once. */
const BURST = 5;
/** Addresses that are known at least; beyond twice as many those that have rested longest are forgotten. */
const MANY = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A bucket of requests for each address, which fills up again as time goes by. */
export class RateLimit {
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** Of those that asked since there were MANY of them, and of those before. */
  #recent = new Map<string, Bucket>();
  #earlier = new Map<string, Bucket>();

  /** @param rate requests a second. */
  constructor(rate: number, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#burst = Math.max(1, rate * BURST);
    this.#now = now;
  }

  /** @throws Problem 429 saying when to come again. */
  take(address: string): void {
    const now = this.#now();
    const bucket = this.#recent.get(address) ?? this.#earlier.get(address) ?? { tokens: this.#burst, at: now };
    bucket.tokens = this.#filled(bucket, now);
    bucket.at = now;
    this.#keep(address, bucket);
    if (bucket.tokens < 1) {
      const wait = Math.ceil((1 - bucket.tokens) / this.#rate);
      throw new Problem(
        429,
        `expected at most ${this.#rate} requests a second of one address; ask again in ${wait} s`,
        {
          "retry-after": String(wait),
        },
      );
    }
    bucket.tokens--;
  }

  #filled({ tokens, at }: Bucket, now: number): number {
    return Math.min(this.#burst, tokens + ((now - at) / 1000) * this.#rate);
  }

  #keep(address: string, bucket: Bucket): void {
    if (this.#recent.size === MANY) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(address, bucket);
  }
}
