import { availableParallelism } from "node:os";
import { numThreads } from "@pspnet/torch";
import { availableMemory } from "../segment/availableMemory.js";
import { type Engine, type EngineOptions, openEngine } from "../segment/engine.js";

/** What a plan knows of the machine. */
export interface MachineFacts extends Engine {
  readonly cores: number;
  readonly threads: number;
  /** Bytes of main memory that are left. */
  readonly memory: number;
}

/** @throws PspnetError as {@link openEngine}. */
export function lookAtMachine(options: EngineOptions): MachineFacts {
  const engine = openEngine(options);
  return { ...engine, cores: availableParallelism(), threads: numThreads(), memory: availableMemory() };
}
