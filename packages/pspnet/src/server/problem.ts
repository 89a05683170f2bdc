import { STATUS_CODES } from "node:http";

/** Why a request is not answered as it wished: what RFC 9457 calls a problem. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    /** What was expected, what was found, and the mend. */
    readonly detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

export const PROBLEM_TYPE = "application/problem+json";

/** What a problem says in the body of its answer. */
export function problemBody({ status, detail }: Pick<Problem, "status" | "detail">): string {
  return JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail });
}

export function problemResponse(problem: Problem): Response {
  const { status, headers } = problem;
  return new Response(problemBody(problem), { status, headers: { "content-type": PROBLEM_TYPE, ...headers } });
}

/** Of a connection whose next request cannot be told from what comes. */
export const CLOSE = { connection: "close" } as const;
