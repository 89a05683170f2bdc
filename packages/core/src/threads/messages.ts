import type { ErrorCode } from "../error.js";

/** What a thread is sent. Answers and news carry their question's ticket. */
export type ToThread<Question> =
  | { readonly kind: "ask"; readonly ticket: number; readonly question: Question }
  | { readonly kind: "abort"; readonly ticket: number }
  | { readonly kind: "close" };

/** What it sends back. Of an error only this much survives the way. */
export type FromThread<Answer, News> =
  | { readonly kind: "news"; readonly ticket: number; readonly news: News }
  | { readonly kind: "answer"; readonly ticket: number; readonly answer: Answer }
  | { readonly kind: "failed"; readonly ticket: number; readonly code: ErrorCode | null; readonly message: string };
