import { endedBy } from "@pspnet/core/segment";
import type { Handler } from "hono";
import { accepts } from "hono/accepts";
import { type AcceptEntry, ANSWER_KINDS, type AnswerKind, answerKind } from "./answerKind.js";
import type { Metrics } from "./metrics.js";
import type { NetworkKeeper } from "./networkKeeper.js";
import type { SegmentQuestion } from "./networkMessages.js";
import type { ServerLimits } from "./options.js";
import { type PhotographOptions, photographOf } from "./photograph.js";
import { Problem } from "./problem.js";
import type { Queue } from "./queue.js";
import type { ServerContext, ServerEnvironment } from "./requestParts.js";

export interface SegmentRouteParts extends Pick<PhotographOptions, "allowUrls" | "resolve" | "isPublic"> {
  readonly keeper: NetworkKeeper;
  readonly queue: Queue;
  readonly metrics: Metrics;
  readonly limits: ServerLimits;
}

/** nginx's status for it, in log and metrics. */
const CLIENT_LEFT = 499;

/** A photograph in, what `Accept` wishes out. */
export function segmentRoute(parts: SegmentRouteParts): Handler<ServerEnvironment> {
  const { keeper, queue, metrics, limits, ...rest } = parts;
  return async (c) => {
    const answer = wishOf(c);
    const model = modelOf(c, keeper);
    c.set("model", model);
    const place = queue.admit();
    const deadline = AbortSignal.timeout(limits.deadline * 1000);
    const signal = AbortSignal.any([deadline, c.req.raw.signal]);
    let asked = false;
    try {
      const photograph = await photographOf(c.req.raw, { ...limits, ...rest, signal });
      await place.turn(signal);
      await keeper.opened(signal);
      asked = true;
      const end = metrics.segmentSeconds.startTimer({ model });
      const question: SegmentQuestion = { model, photograph, answer, maxPixels: limits.maxPixels };
      // The place is free again when the process has done with it, whoever waits for that.
      const segmented = keeper.segment(question, signal).finally(() => {
        end();
        place[Symbol.dispose]();
      });
      const found = await endedBy(segmented, signal);
      if (found.kind === "refused") throw new Problem(found.status, found.detail);
      return new Response(found.body, { headers: { "content-type": ANSWER_KINDS[answer].type, vary: "Accept" } });
    } catch (error) {
      if (c.req.raw.signal.aborted) throw new Problem(CLIENT_LEFT, "the client left before the answer");
      if (deadline.aborted) throw tooLate(asked, parts);
      throw error;
    } finally {
      if (!asked) place[Symbol.dispose]();
    }
  };
}

function wishOf(c: ServerContext): AnswerKind {
  let entries: readonly AcceptEntry[] = [];
  accepts(c, {
    header: "Accept",
    supports: [],
    default: "",
    match: (found) => {
      entries = found;
      return "";
    },
  });
  return answerKind(entries);
}

function modelOf(c: ServerContext, { models }: NetworkKeeper): string {
  const name = c.req.query("model") ?? models[0].name;
  if (models.some((model) => model.name === name)) return name;
  throw new Problem(404, `model: expected one of ${models.map((model) => model.name).join(", ")}, found ${name}`);
}

function tooLate(asked: boolean, { queue, limits }: SegmentRouteParts): Problem {
  const within = `expected an answer within ${limits.deadline} s`;
  if (asked) return new Problem(504, `${within}, but the photograph takes longer; send a smaller one`);
  return queue.busy(`${within}, but others wait; ask again later`);
}
