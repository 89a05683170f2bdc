import { type Place, restAtExit } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { Thread } from "../threads/thread.js";
import type { RankTask } from "./rankThread.js";
import type { TrainOptions, TrainResult } from "./train.js";

/** Of a run that lost a rank. */
export const KEPT = "what was saved before is kept, go on with resume=true";

/**
 * Trains as one of the ranks that a launcher started, each with its share of every batch. A forward pass waits for other ranks wherever
 * batch norm is of all samples: it does so in a thread, and this one's event loop goes on.
 *
 * @throws PspnetError as `train`; "environment" where ranks do not come, or are lost on the way, which are named.
 */
export async function trainAsRank(
  config: TrainConfig,
  place: Place,
  { signal, stream, placed }: Omit<TrainOptions, "world" | "recipe">,
): Promise<TrainResult> {
  restAtExit();
  const thread = new Thread<RankTask, TrainResult, string>(new URL("rankThread.js", import.meta.url), {
    name: `rank ${place.rank}`,
    data: null,
  });
  const terminal = stream && { isTTY: stream.isTTY, columns: stream.columns };
  const onNews = (text: string) => stream?.write(text);
  try {
    return await thread.ask({ config, place, placed, terminal }, { signal, onNews });
  } finally {
    await thread.close();
  }
}
