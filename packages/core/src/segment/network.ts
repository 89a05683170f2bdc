import { shown } from "../config/problem.js";
import { withoutUndefined } from "../config/record.js";
import { PspnetError } from "../error.js";
import type { ClassList } from "../image/classes.js";
import type { Image, LabelMap } from "../image/image.js";
import { inputChannels } from "../image/normalise.js";
import type { Protocol } from "../protocols/protocol.js";
import { protocolOf } from "../protocols/protocols.js";
import type { ModelDescription } from "../weights/modelFile.js";
import type { OverTime } from "./averagesOverTime.js";
import { endedBy } from "./endedBy.js";
import { mapAhead } from "./mapAhead.js";
import { checkSegmentOptions, type SegmentOptions, type SequenceOptions } from "./options.js";
import type { AskOptions, Runtime, RuntimeName } from "./runtime.js";
import { Segmentation } from "./segmentation.js";

/** A photograph, or another image of the channels that a network wants: where it is, the bytes of its file, or its pixels, taken as they are. */
export type ImageSource = string | Uint8Array | Image;

export interface NetworkParts<Source> {
  readonly description: ModelDescription;
  /** What each call takes unless it is told otherwise. */
  readonly defaults?: SegmentOptions;
  /** The pixels of a photograph, of as many channels as the network wants. When it returns, what the caller may change has been copied. */
  readonly decode: (photograph: Source, channels: number) => Promise<Image>;
}

/** Images that `segmentAll` reads while one is segmented. */
const AHEAD = 1;

/**
 * A network with its weights, ready to be used on whatever it runs. Dispose of it to free weights and threads.
 *
 * @typeParam Source What photographs are given as where it runs.
 */
export class Network<Source = ImageSource> implements AsyncDisposable {
  readonly description: ModelDescription;
  readonly #runtime: Runtime;
  readonly #defaults: SegmentOptions;
  readonly #decode: NetworkParts<Source>["decode"];
  readonly #running = new Set<Promise<unknown>>();
  #sequences = 0;
  #disposed: Promise<void> | null = null;

  constructor(runtime: Runtime, { description, defaults = {}, decode }: NetworkParts<Source>) {
    this.#runtime = runtime;
    this.description = description;
    this.#defaults = defaults;
    this.#decode = decode;
  }

  /** What the network runs on. */
  get runtime(): RuntimeName {
    return this.#runtime.name;
  }

  /** What computes and in what arithmetic, as `cpu in bf16` or `cuda in fp16`; null where the runtime does not know. */
  get arithmetic(): string | null {
    return this.#runtime.arithmetic ?? null;
  }

  /**
   * The names of the convolutions that libtorch's plan multiplied in Winograd's form in the last run: those, in float32 and bfloat16, for
   * which it reckons that to be faster.
   */
  get winograd(): readonly string[] {
    return this.#runtime.winograd ?? [];
  }

  get classes(): ClassList {
    return this.description.classes;
  }

  /**
   * The classes of a photograph's pixels. Bytes and pixels are copied at once; the caller may do with them what he likes.
   *
   * @throws PspnetError "data" for a photograph that cannot be decoded, "usage" for what is no photograph, for one too large for the
   * memory there is, for wrong options and after {@link dispose}, "weights" when the network's logits are not finite; the signal's reason.
   * @example const { labels, areas, colour, overlay } = await net.segment("photo.jpg", { flip: true });
   */
  segment(source: Source, options: SegmentOptions = {}): Promise<Segmentation> {
    return this.#segment(source, options);
  }

  /**
   * {@link segment} for many photographs: results in their order, the next photograph being read while one is segmented.
   * The first photograph that fails ends it. With `smooth` class probabilities are averaged over time.
   */
  async *segmentAll(
    sources: Iterable<Source> | AsyncIterable<Source>,
    options: SequenceOptions = {},
  ): AsyncGenerator<Segmentation> {
    checkMany(sources);
    checkSegmentOptions(options, "segmentAll");
    const { signal, onProgress = this.#defaults.onProgress, smooth, ...protocol } = options;
    const total = Array.isArray(sources) ? sources.length : undefined;
    const left = new AbortController();
    const each = { ...protocol, onProgress: () => {}, signal: either(signal, left.signal) };
    const sequence = this.#sequences++;
    let [asked, done] = [0, 0];
    const one = async (source: Source) => {
      const share = shareOf(smooth, asked++);
      return this.#segment(source, each, share === undefined ? undefined : { sequence, share });
    };
    try {
      for await (const segmentation of mapAhead(sources, one, { ahead: AHEAD })) {
        onProgress?.({ done: ++done, total });
        yield segmentation;
      }
    } finally {
      // Whoever leaves the loop wants no more of it.
      left.abort();
      if (smooth !== undefined && !this.#disposed) await this.#runtime.forget(sequence);
    }
  }

  /** The classes alone of what {@link segment} gives. */
  labels(source: Source, options: SegmentOptions = {}): Promise<LabelMap> {
    return this.#use(source, options, (image, ask) => this.#runtime.labels(image, ask));
  }

  /** Class probabilities of each pixel: float32 `[classes, h, w]`, row-major. */
  probabilities(source: Source, options: SegmentOptions = {}): Promise<Float32Array> {
    return this.#use(source, options, (image, ask) => this.#runtime.probabilities(image, ask));
  }

  /** Logits of one pass over the whole image, enlarged to its size: float32 `[classes, h, w]`, row-major. */
  logits(source: Source, options: Pick<SegmentOptions, "signal" | "onProgress"> = {}): Promise<Float32Array> {
    return this.#use(source, options, (image, ask) => this.#runtime.logits(image, ask));
  }

  /** Frees weights and threads when what has been asked for is done. Doing it twice does no harm. */
  dispose(): Promise<void> {
    this.#disposed ??= Promise.allSettled(this.#running).then(() => this.#runtime[Symbol.asyncDispose]());
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #segment(source: Source, options: SegmentOptions, overTime?: OverTime): Promise<Segmentation> {
    return this.#use(source, options, async (image, ask) => {
      const labels = await this.#runtime.labels(image, { ...ask, overTime });
      return new Segmentation(image, labels, this.classes);
    });
  }

  async #use<R>(source: Source, options: SegmentOptions, work: Work<R>): Promise<R> {
    checkSegmentOptions(options, "segment");
    const signal = either(this.#defaults.signal, options.signal);
    const result = this.#read(source, { ...options, signal }, work);
    const tracked: Promise<unknown> = result.then(forget, forget);
    const running = this.#running;
    running.add(tracked);
    function forget() {
      running.delete(tracked);
    }
    return endedBy(result, signal);
  }

  async #read<R>(source: Source, options: SegmentOptions, work: Work<R>): Promise<R> {
    if (this.#disposed)
      throw new PspnetError("usage", "Network: expected one in use, found one that was disposed of; load it again");
    const { onProgress, signal, ...choice } = { ...this.#defaults, ...withoutUndefined(options) };
    signal?.throwIfAborted();
    const protocol = protocolOf(choice, this.description);
    const image = await this.#decode(source, inputChannels(this.description.config.input));
    signal?.throwIfAborted();
    return work(image, { ...protocol, signal, onWindow: (done, total) => onProgress?.({ done, total }) });
  }
}

type Work<R> = (image: Image, options: Protocol & AskOptions) => Promise<R>;

/** Text and bytes are photographs themselves, though a loop would take them to pieces. */
function checkMany(sources: unknown): void {
  const iterable = Object(sources) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  const one = typeof sources === "string" || ArrayBuffer.isView(sources);
  if (!one && (iterable[Symbol.iterator] || iterable[Symbol.asyncIterator])) return;
  const expected = "an array, or anything else to loop over, of photographs";
  throw new PspnetError("usage", `segmentAll: expected ${expected}, found ${shown(sources)}`);
}

/** @throws PspnetError "usage" for what is no share. */
function shareOf(smooth: SequenceOptions["smooth"], index: number): number | undefined {
  if (smooth === undefined) return undefined;
  const share = typeof smooth === "function" ? smooth(index) : smooth;
  if (typeof share === "number" && share > 0 && share <= 1) return share;
  const expected = "expected a share above 0 to 1, or a function that gives one";
  throw new PspnetError("usage", `segmentAll: smooth: ${expected}, found ${shown(share)}`);
}

function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b);
}
