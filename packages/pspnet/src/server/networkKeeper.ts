import { endedBy } from "@pspnet/core/segment";
import { Subprocess } from "../threads/subprocess.js";
import type { NetworkAnswer, NetworkQuestion, Segmented, SegmentQuestion, ServedModel } from "./networkMessages.js";
import type { NamedWeights, ServedNetworkOptions } from "./options.js";

export interface KeeperOptions {
  readonly weights: readonly NamedWeights[];
  readonly options: ServedNetworkOptions;
  /** Milliseconds that the process may go on with a request that is given up. */
  readonly patience: number;
  /** Told when the process has ended by itself, how, and the milliseconds until it is started again. */
  readonly onCrash: (how: string, wait: number) => void;
  readonly onStart: (pid: number | undefined) => void;
}

type NetworkProcess = Subprocess<NetworkQuestion, NetworkAnswer>;

/** Milliseconds until it is started again: twice as many for each time that it ended before it had answered anything. */
const [FIRST_WAIT, LONGEST_WAIT] = [200, 30_000];

/** Keeps the process of the networks running. What brings it down costs the requests in it. */
export class NetworkKeeper {
  readonly #options: KeeperOptions;
  #models: readonly ServedModel[] = [];
  /** Of the process that runs, or will run. */
  #opened: Promise<NetworkProcess>;
  #current: NetworkProcess | null = null;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #ready = false;
  #stopping = false;

  private constructor(options: KeeperOptions) {
    this.#options = options;
    this.#opened = this.#open();
  }

  /** @throws what `load` throws, of any of the networks. */
  static async start(options: KeeperOptions): Promise<NetworkKeeper> {
    const keeper = new NetworkKeeper(options);
    await keeper.#opened;
    return keeper;
  }

  get models(): readonly ServedModel[] {
    return this.#models;
  }

  /** Whether what is asked now is worked on at once. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Waits for the process that runs, or runs again. */
  async opened(signal: AbortSignal): Promise<void> {
    await endedBy(this.#opened, signal);
  }

  /**
   * Kept or broken when the process has done with it: with a signal perhaps later than that.
   *
   * @throws PspnetError "environment" when the process ends meanwhile.
   */
  async segment(question: SegmentQuestion, signal: AbortSignal): Promise<Segmented> {
    const current = await this.#opened;
    let kill: NodeJS.Timeout | undefined;
    const watch = () => {
      kill = setTimeout(() => current.kill(), this.#options.patience);
    };
    signal.addEventListener("abort", watch, { once: true });
    try {
      const answer = await current.ask({ kind: "segment", ...question }, { signal });
      this.#failures = 0;
      return answer as Segmented;
    } finally {
      signal.removeEventListener("abort", watch);
      clearTimeout(kill);
    }
  }

  /** Ends the process when what has been asked is answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    await this.#current?.close();
  }

  async #open(): Promise<NetworkProcess> {
    const { weights, options, onStart } = this.#options;
    const file = new URL("./networkProcess.js", import.meta.url);
    let opened = false;
    const current: NetworkProcess = new Subprocess(file, {
      name: "networks",
      onExit: (how) => {
        this.#ready = false;
        if (opened) this.#restart(how);
      },
    });
    this.#current = current;
    try {
      const answer = await current.ask({ kind: "open", weights, options });
      if (answer.kind === "opened") this.#models = answer.models;
    } catch (error) {
      current.kill();
      throw error;
    }
    opened = true;
    this.#ready = true;
    onStart(current.pid);
    return current;
  }

  #restart(how: string): void {
    if (this.#stopping) return;
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++);
    this.#options.onCrash(how, wait);
    this.#opened = new Promise((resolve) => {
      this.#timer = setTimeout(() => resolve(this.#again()), wait);
    });
    // Where it fails nobody need have asked.
    this.#opened.catch(() => {});
  }

  /** It ran before: whatever keeps it from it now, such as memory, may pass. */
  async #again(): Promise<NetworkProcess> {
    try {
      return await this.#open();
    } catch (error) {
      if (this.#stopping) throw error;
      this.#restart((error as Error).message);
      return this.#opened;
    }
  }
}
