import type { Image, LabelMap } from "../image/image.js";
import type { Protocol } from "../protocols/protocol.js";
import { WHOLE_IMAGE } from "../protocols/protocols.js";
import type { Answering } from "../threads/answerQuestions.js";
import type { QuestionOptions } from "../threads/tickets.js";
import type { OverTime } from "./averagesOverTime.js";
import type { AskOptions, LabelsOptions, Runtime } from "./runtime.js";

/** What a thread with a network is asked when it is open. */
export type SegmentQuestion =
  | {
      readonly kind: "labels" | "probabilities" | "logits";
      readonly image: Image;
      readonly protocol: Protocol & { readonly overTime?: OverTime };
    }
  | { readonly kind: "forget"; readonly sequence: number };

/** What it is told first: to open a network, and what of. */
export type OpenQuestion<Settings> = { readonly kind: "open" } & Settings;

/** Windows that are done, and all. */
export type SegmentNews = readonly [done: number, total: number];

/** A thread as `SegmenterThread` needs it. */
export interface SegmentThread {
  ask(question: SegmentQuestion, options: QuestionOptions<SegmentNews>): Promise<unknown>;
  close(): Promise<void>;
}

/** A network on onnxruntime in another thread, which was told to open it. */
export class SegmenterThread implements Runtime {
  readonly name = "onnx";
  readonly #thread: SegmentThread;

  constructor(
    thread: SegmentThread,
    readonly arithmetic?: string,
  ) {
    this.#thread = thread;
  }

  async labels(image: Image, options: LabelsOptions): Promise<LabelMap> {
    const { width, height } = image;
    return { width, height, data: (await this.#ask("labels", image, options)) as Uint8Array };
  }

  probabilities(image: Image, options: Protocol & AskOptions): Promise<Float32Array> {
    return this.#ask("probabilities", image, options) as Promise<Float32Array>;
  }

  logits(image: Image, options?: AskOptions): Promise<Float32Array> {
    return this.#ask("logits", image, { ...WHOLE_IMAGE, ...options }) as Promise<Float32Array>;
  }

  async forget(sequence: number): Promise<void> {
    await this.#thread.ask({ kind: "forget", sequence }, {});
  }

  /** What has been asked for is still answered. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread.close();
  }

  #ask(
    kind: "labels" | "probabilities" | "logits",
    image: Image,
    { signal, onWindow, ...protocol }: LabelsOptions,
  ): Promise<unknown> {
    const onNews = (news: SegmentNews) => onWindow?.(...news);
    return this.#thread.ask({ kind, image, protocol }, { signal, onNews });
  }
}

/** The other side: a network that is opened as it is told, and answers one question after the other. */
export function segmentAnswers<Settings, Opened>(
  open: (settings: Settings) => Promise<{ readonly runtime: Runtime; readonly opened: Opened }>,
) {
  let runtime: Runtime | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const answer: Answering<SegmentQuestion | OpenQuestion<Settings>, unknown, SegmentNews> = async (
    question,
    { signal, tell },
  ) => {
    if (question.kind === "open") {
      const made = await open(question);
      runtime = made.runtime;
      return made.opened;
    }
    if (question.kind === "forget") return runtime!.forget(question.sequence);
    const { kind, image, protocol } = question;
    const options = { ...protocol, signal, onWindow: (done: number, total: number) => tell([done, total]) };
    return kind === "labels" ? (await runtime!.labels(image, options)).data : runtime![kind](image, options);
  };

  const inTurn: typeof answer = (question, options) => {
    const answered = last.then(() => answer(question, options));
    last = answered.catch(() => {});
    return answered;
  };

  return { answer: inTurn, close: async () => runtime?.[Symbol.asyncDispose]() };
}
