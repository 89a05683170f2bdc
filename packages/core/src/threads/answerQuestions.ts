import { PspnetError } from "../error.js";
import type { FromThread, ToThread } from "./messages.js";

export interface AnswerOptions<News> {
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly tell: (news: News) => void;
}

/** Answers a question in a thread. */
export type Answering<Question, Answer, News = never> = (
  question: Question,
  options: AnswerOptions<News>,
) => Promise<Answer>;

/** What carries messages to and from whoever asks: of a thread of Node, a process, or a worker of a page. */
export interface ThreadPort {
  post(message: FromThread<unknown, unknown>): void;
  /** Has `receive` called with each message that comes. */
  listen(receive: (message: ToThread<never>) => void): void;
  close(): void;
}

/**
 * In a thread or process: answers what is asked through `Tickets`, each question as soon as it comes.
 *
 * @param close called at the end, when all is answered.
 */
export function answerQuestions<Question, Answer, News = never>(
  port: ThreadPort,
  answer: Answering<Question, Answer, News>,
  close: () => Promise<void> = async () => {},
): void {
  const asked = new Map<number, { readonly controller: AbortController; readonly answered: Promise<void> }>();

  async function reply(ticket: number, question: Question, signal: AbortSignal): Promise<void> {
    try {
      const tell = (news: News) => port.post({ kind: "news", ticket, news });
      port.post({ kind: "answer", ticket, answer: await answer(question, { signal, tell }) });
    } catch (error) {
      const code = error instanceof PspnetError ? error.code : null;
      port.post({ kind: "failed", ticket, code, message: error instanceof Error ? error.message : String(error) });
    } finally {
      asked.delete(ticket);
    }
  }

  async function end(): Promise<void> {
    await Promise.all([...asked.values()].map(({ answered }) => answered));
    await close();
    port.close();
  }

  port.listen((message: ToThread<Question>) => {
    if (message.kind === "abort") asked.get(message.ticket)?.controller.abort();
    else if (message.kind === "ask") {
      const controller = new AbortController();
      asked.set(message.ticket, { controller, answered: reply(message.ticket, message.question, controller.signal) });
    } else void end();
  });
}
