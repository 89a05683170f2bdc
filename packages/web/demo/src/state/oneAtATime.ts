/** Something that goes on, as it is shown. */
export interface Work {
  readonly what: string;
  /** How far it is, 0 to 1; null when nobody knows. */
  readonly share: number | null;
}

/** What does the work hears when it is to end, and tells how far it is. */
export interface Task {
  readonly signal: AbortSignal;
  tell(work: Work): void;
}

/** The reason of work that ended because other work took its place. */
export const REPLACED = new Error("replaced");
/** The reason of work that somebody stopped. */
export const STOPPED = new Error("stopped");

/** Work of one kind: what begins ends what was going on. */
export class OneAtATime {
  readonly #onChange: (work: Work | null) => void;
  #running: AbortController | null = null;

  constructor(onChange: (work: Work | null) => void) {
    this.#onChange = onChange;
  }

  /** @throws what the work throws; {@link REPLACED} or {@link STOPPED} when it was ended. */
  async run<Result>(what: string, work: (task: Task) => Promise<Result>): Promise<Result> {
    this.#running?.abort(REPLACED);
    const controller = new AbortController();
    this.#running = controller;
    const tell = (news: Work) => {
      if (this.#running === controller) this.#onChange(news);
    };
    tell({ what, share: null });
    try {
      const result = await work({ signal: controller.signal, tell });
      controller.signal.throwIfAborted();
      return result;
    } finally {
      if (this.#running === controller) {
        this.#running = null;
        this.#onChange(null);
      }
    }
  }

  stop(): void {
    this.#running?.abort(STOPPED);
  }
}
