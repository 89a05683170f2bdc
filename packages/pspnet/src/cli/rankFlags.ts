import { PspnetError } from "@pspnet/core";
import { type Command, InvalidArgumentError } from "commander";
import { DURATION, seconds } from "../config/duration.js";
import { coresOfRank } from "../ranks/coresOfRank.js";
import { notAShare, parseShare, type Share } from "../ranks/share.js";
import { positive } from "./options.js";
import type { NetworkFlags } from "./protocolFlags.js";

/** How images are shared, as commander gives it. */
export interface RankFlags {
  readonly ranks: number;
  readonly timeout: string;
  readonly shard?: Share;
}

/** @param written what a shard writes. */
export function withRanks(command: Command, written: string): Command {
  return command
    .option(
      "--ranks <n>",
      "share the images among so many processes of this machine; under torchrun, srun or mpirun their ranks do",
      positive,
      1,
    )
    .option("--timeout <time>", "how long ranks wait for one that is silent, such as 90s", duration, "10m")
    .option(
      `--shard <i/n>`,
      `without any other process: every n-th image from the i-th on, i from 1 to n; ${written}`,
      share,
    );
}

function duration(text: string): string {
  if (DURATION.test(text) && seconds(text) > 0) return text;
  throw new InvalidArgumentError("expected a number and s, m or h, such as 10m.");
}

function share(text: string): Share {
  const expected = notAShare(text);
  if (expected === null) return parseShare(text);
  throw new InvalidArgumentError(`expected ${expected}.`);
}

/**
 * A shard is one process's.
 *
 * @param beside a flag that is for the whole, where it is given.
 * @throws PspnetError "usage" for ranks, and that flag, beside a shard.
 */
export function checkShard({ shard, ranks }: RankFlags, beside?: string): void {
  const found = ranks > 1 ? `--ranks ${ranks}` : beside;
  if (shard === undefined || found === undefined) return;
  const mend = "leave one of them out";
  throw new PspnetError(
    "usage",
    `--shard ${shard.number}/${shard.of}: expected one process and a part, found ${found}; ${mend}`,
  );
}

/** Compute threads of each rank, where its runtime does not learn of its share of the cores by the environment, as libtorch does. */
export function threadsOf({ threads = 0, ranks, runtime }: RankFlags & NetworkFlags): number {
  return threads === 0 && ranks > 1 && runtime === "onnx" ? coresOfRank(ranks) : threads;
}
