import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { PspnetError } from "@pspnet/core";
import { type FromThread, type QuestionOptions, Tickets, type ToThread } from "@pspnet/core/threads";
import { requireBuilt } from "./thread.js";

export interface SubprocessOptions {
  /** Whose process it is, for messages. */
  readonly name: string;
  /** What its environment has beside this process's, which goes first. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called when it is gone, before what it had to do fails. */
  readonly onExit?: (how: string) => void;
}

/**
 * As `Thread`, in a process of its own: what brings that down leaves this one alone. Its standard output goes where errors go.
 * `answerQuestions` is the other side.
 */
export class Subprocess<Question, Answer, News = never> {
  readonly #child: ChildProcess;
  readonly #tickets: Tickets<Question, Answer, News>;

  /** @throws PspnetError "environment" when `file`, its module, is not built. */
  constructor(file: URL, { name, env, onExit }: SubprocessOptions) {
    requireBuilt(file, name);
    const child = fork(file, {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", 2, 2, "ipc"],
      env: { ...env, ...process.env },
    });
    this.#child = child;
    this.#tickets = new Tickets({
      // What cannot be sent is answered by the process's end.
      post: (message) => child.send(message as ToThread<Question> & object, () => {}),
      onWaiting: () => {},
    });
    child.on("message", (message) => this.#tickets.receive(message as FromThread<Answer, News>));
    const gone = (how: string) => {
      if (this.#tickets.ended) return;
      const reason = new PspnetError("environment", `${name}: its process ended: ${how}`);
      this.#tickets.end(reason);
      onExit?.(how);
      this.#tickets.fail(reason);
    };
    child.once("error", ({ message }) => gone(message));
    child.once("exit", (code, signal) => gone(signal ? `killed by ${signal}` : `it exited with ${code}`));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Questions without an answer. */
  get waiting(): number {
    return this.#tickets.waiting;
  }

  /** @throws what the process threw; the reason of the signal; PspnetError "environment" when the process has ended. */
  ask(question: Question, options?: QuestionOptions<News>): Promise<Answer> {
    return this.#tickets.ask(question, options);
  }

  /** Ends it when what has been asked is answered. */
  async close(): Promise<void> {
    if (this.#tickets.ended) return;
    const exit = once(this.#child, "exit");
    this.#child.send({ kind: "close" });
    await exit;
  }

  /** Ends it at once; what has been asked fails. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
