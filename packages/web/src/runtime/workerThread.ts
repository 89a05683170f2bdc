import { PspnetError } from "@pspnet/core";
import type { OpenQuestion, SegmentNews, SegmentQuestion } from "@pspnet/core/segment";
import { type QuestionOptions, Tickets } from "@pspnet/core/threads";
import type { NetworkSettings } from "./answerNetwork.js";

type Question = SegmentQuestion | OpenQuestion<NetworkSettings>;

/** A worker with a network, seen from the page. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #tickets: Tickets<Question, unknown, SegmentNews>;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#tickets = new Tickets({
      post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
      onWaiting: () => {},
    });
    worker.onmessage = ({ data }) => this.#tickets.receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message ?? "its script could not be loaded; see that the bundler made one of it";
      this.#fail(reason);
    };
    worker.onmessageerror = () => this.#fail("what it said could not be read");
  }

  ask(question: Question, options: QuestionOptions<SegmentNews> = {}): Promise<unknown> {
    return this.#tickets.ask(question, options);
  }

  /** Ends it, and with it all its memory. */
  async close(): Promise<void> {
    this.#worker.terminate();
    this.#tickets.fail(new PspnetError("usage", "Network: its worker was ended; load it again"));
  }

  #fail(reason: string): void {
    this.#worker.terminate();
    this.#tickets.fail(new PspnetError("environment", `worker: it ended: ${reason}`));
  }
}
