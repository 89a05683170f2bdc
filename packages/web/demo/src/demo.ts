import { type Photograph, photographOf } from "./picture/photograph.js";
import { inBrowser } from "./segmenters/inBrowser.js";
import type { Found, Open, Segmenter } from "./segmenters/segmenter.js";
import { Camera } from "./sources/camera.js";
import { kindOf } from "./sources/givenFile.js";
import { OneAtATime, REPLACED, STOPPED } from "./state/oneAtATime.js";
import { INITIAL, type State } from "./state/state.js";
import { Store } from "./state/store.js";

const UNMARKED = { isolated: null, previewed: null, pointed: null } as const;

/** What the page does: it keeps a network open, and shows a photograph with what that finds in it. */
export class Demo {
  readonly store = new Store<State>(INITIAL);
  readonly #opening = new OneAtATime((opening) => this.store.set({ opening }));
  readonly #segmenting = new OneAtATime((segmenting) => this.store.set({ segmenting }));
  #segmenter: Segmenter | null = null;
  /** The opening that goes on, and whether it led to something. */
  #opened: Promise<boolean> | null = null;
  readonly #byDefault: Open;

  /** @param byDefault is opened when a photograph is shown before anything else was opened. */
  constructor(byDefault: Open) {
    this.#byDefault = byDefault;
  }

  /** Shows a photograph, and segments it as soon as there is a network. Whether all went well. */
  show(photograph: Photograph): Promise<boolean> {
    this.store.set({ live: false, message: null, ...UNMARKED });
    this.#display(photograph, null);
    return this.#segment(photograph);
  }

  /** Opens another network, and segments once more with it. What was open before remains if that fails. */
  use(open: Open): Promise<boolean> {
    this.store.set({ message: null });
    const opened = this.#open(open);
    this.#opened = opened;
    void opened.finally(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return opened;
  }

  /** Looks at the photograph once more. */
  async again(): Promise<void> {
    const { photograph, live } = this.store.state;
    if (photograph && !live) await this.#segment(photograph);
  }

  /** Takes a picture or weights. */
  async take(file: File): Promise<void> {
    await this.attempt(async () => {
      if (kindOf(file) === "weights") await this.use(inBrowser({ name: file.name, weights: file }));
      else await this.show(await photographOf(file));
    });
  }

  /** Segments what the camera sees, until it is stopped or something goes wrong. */
  async watch(): Promise<void> {
    await this.attempt(async () => {
      const camera = await Camera.open();
      this.store.set({ live: true, message: null, ...UNMARKED });
      try {
        while (this.store.state.live && (await this.#segment(await camera.frame())));
      } finally {
        camera.close();
        this.store.set({ live: false });
      }
    });
  }

  /** Ends what is going on. */
  stop(): void {
    this.store.set({ live: false });
    this.#opening.stop();
    this.#segmenting.stop();
  }

  /** What the work gives; null when it failed, which is told, or when other work took its place. */
  async attempt<Result>(work: () => Promise<Result>): Promise<Result | null> {
    try {
      return await work();
    } catch (error) {
      if (error === STOPPED) this.store.set({ message: { kind: "note", text: "Stopped." } });
      else if (error !== REPLACED) this.store.set({ message: { kind: "error", text: (error as Error).message } });
      return null;
    }
  }

  async #open(open: Open): Promise<boolean> {
    const segmenter = await this.attempt(() => this.#opening.run("Loading the network", open));
    if (segmenter === null) return false;
    this.#segmenter?.close();
    this.#segmenter = segmenter;
    this.store.set({ network: segmenter.facts, ...UNMARKED });
    const { photograph } = this.store.state;
    return photograph === null || this.#segment(photograph);
  }

  async #segment(photograph: Photograph): Promise<boolean> {
    const segmenter = this.#segmenter;
    // Whatever is opened segments what is shown.
    if (segmenter === null) return this.#opened ?? this.use(this.#byDefault);
    const found = await this.attempt(() =>
      this.#segmenting.run("Looking at the picture", ({ signal, tell }) =>
        segmenter.segment(photograph, {
          detail: this.store.state.detail,
          signal,
          onProgress({ done, total = 1 }) {
            if (total > 1) tell({ what: `Looking at window ${done} of ${total}`, share: done / total });
          },
        }),
      ),
    );
    if (found) this.#display(photograph, found);
    return found !== null;
  }

  #display(photograph: Photograph, found: Found | null): void {
    const before = this.store.state.photograph;
    this.store.set({ photograph, found });
    if (before !== photograph) before?.bitmap.close();
  }
}
