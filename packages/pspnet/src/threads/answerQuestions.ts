import { parentPort } from "node:worker_threads";
import { PspnetError } from "@pspnet/core";
import type { FromThread, ToThread } from "./messages.js";

export interface AnswerOptions<News> {
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly tell: (news: News) => void;
}

/** What carries messages to and from whoever asks, and ends it. */
export interface QuestionPort {
  listen(take: (message: unknown) => void): void;
  post(message: unknown): void;
  close(): void;
}

const threadPort: QuestionPort = {
  listen: (take) => parentPort!.on("message", take),
  post: (message) => parentPort!.postMessage(message),
  close: () => parentPort!.close(),
};

/**
 * In a thread or process: answers what is asked by `Thread` or `Subprocess`, each question as soon as it comes.
 *
 * @param close called at the end, when all is answered.
 */
export function answerQuestions<Question, Answer, News = never>(
  answer: (question: Question, options: AnswerOptions<News>) => Promise<Answer>,
  close: () => Promise<void> = async () => {},
  port: QuestionPort = threadPort,
): void {
  const post = (message: FromThread<Answer, News>) => port.post(message);
  const asked = new Map<number, { readonly controller: AbortController; readonly answered: Promise<void> }>();

  async function reply(ticket: number, question: Question, signal: AbortSignal): Promise<void> {
    try {
      const tell = (news: News) => post({ kind: "news", ticket, news });
      post({ kind: "answer", ticket, answer: await answer(question, { signal, tell }) });
    } catch (error) {
      const code = error instanceof PspnetError ? error.code : null;
      post({ kind: "failed", ticket, code, message: error instanceof Error ? error.message : String(error) });
    } finally {
      asked.delete(ticket);
    }
  }

  async function take(message: ToThread<Question>): Promise<void> {
    if (message.kind === "abort") asked.get(message.ticket)?.controller.abort();
    else if (message.kind === "ask") {
      const controller = new AbortController();
      asked.set(message.ticket, { controller, answered: reply(message.ticket, message.question, controller.signal) });
    } else {
      await Promise.all([...asked.values()].map(({ answered }) => answered));
      await close();
      port.close();
    }
  }

  port.listen((message) => take(message as ToThread<Question>));
}
