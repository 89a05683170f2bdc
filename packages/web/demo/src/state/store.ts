interface Watcher<State> {
  readonly keys: readonly (keyof State)[];
  see(state: State): void;
}

/** What the page knows, in one place. Whoever shows a part of it watches that. */
export class Store<State extends object> {
  #state: State;
  readonly #watchers: Watcher<State>[] = [];

  constructor(initial: State) {
    this.#state = initial;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  set(change: Partial<State>): void {
    const before = this.#state;
    this.#state = { ...before, ...change };
    for (const { keys, see } of this.#watchers)
      if (keys.some((key) => before[key] !== this.#state[key])) see(this.#state);
  }

  /** Calls `see` now, and whenever one of the keys has another value. */
  watch<Key extends keyof State>(keys: readonly Key[], see: (state: Pick<State, Key>) => void): void {
    this.#watchers.push({ keys, see });
    see(this.#state);
  }
}
