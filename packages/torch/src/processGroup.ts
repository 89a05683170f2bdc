import { setTimeout } from "node:timers/promises";
import { PspnetError } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import { during } from "./modes.js";
import { Tensor } from "./tensor.js";

/** How the processes that work as one find each other. */
export interface ProcessGroupOptions {
  /**
   * What carries collectives: Gloo by way of main memory, the default; or NCCL between GPUs, see `ncclProblem`. Either takes tensors of any
   * device, and copies those that are not where it exchanges them.
   */
  readonly backend?: "gloo" | "nccl";
  /** This process's GPU, which no other has; for NCCL. */
  readonly device?: `cuda:${number}`;
  /** This process, from 0. */
  readonly rank: number;
  /** Processes in all. */
  readonly worldSize: number;
  /**
   * Where they meet: `tcp://host:port`, held by rank 0, or `file:///path`, a new file that all see; without a `prefix` the last rank that leaves
   * removes it.
   */
  readonly store: string;
  /** Seconds in which all must have come, and that a collective waits for the others. */
  readonly timeout?: number;
  /** Whether this process holds the TCP store; rank 0 does when it is left out. A launcher may hold one itself. */
  readonly serves?: boolean;
  /** What the store's keys begin with, where several groups, or attempts, share one. */
  readonly prefix?: string;
}

/** Seconds, PyTorch's for Gloo. */
const DEFAULT_TIMEOUT = 1800;

/**
 * Joins the group; resolves when all have come.
 *
 * @throws {PspnetError} `environment`: a rank that did not come in time, one that came twice, or that takes the world to be larger, a
 * port in use, a store that is not there. `usage` for a store or backend of no known kind.
 */
export async function init(options: ProcessGroupOptions): Promise<ProcessGroup> {
  const { backend = "gloo", rank, worldSize, timeout = DEFAULT_TIMEOUT, serves = rank === 0, prefix = "" } = options;
  if (!["gloo", "nccl"].includes(backend))
    throw new PspnetError("usage", `init: expected backend gloo or nccl, found ${backend}`);
  const { host, port, file } = storeOf(options.store);
  const device = backend === "gloo" ? "cpu" : (options.device ?? "cuda:0");
  const given = [rank, worldSize, host, port, file, serves, prefix, Math.ceil(1000 * timeout), device];
  try {
    const joined = native().processGroupInit(...given);
    const handle = await Promise.race([joined as Promise<Handle>, unanswered(timeout)]);
    return new ProcessGroup(handle, { rank, size: worldSize });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PspnetError("environment", `init: rank ${rank} at ${options.store}: ${reason}`, { cause });
  }
}

/** Why NCCL cannot be used here, in words, or null when it can. */
export const ncclProblem = (): string | null => (native().ncclProblem() as string) || null;

/** Rejects some seconds after c10d should have: it waits without end for what takes its connection and is no store. */
async function unanswered(timeout: number): Promise<never> {
  await setTimeout(1000 * timeout + 5000, undefined, { ref: false });
  throw new Error(`the store did not answer within ${timeout} s; another program may hold its port`);
}

/** Whether an error, or what caused it, is a collective's that waited for other ranks in vain. */
export function isCollectiveFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === "ERR_COLLECTIVE" || isCollectiveFailure(error.cause);
}

interface Store {
  readonly host: string;
  readonly port: number;
  readonly file: string;
}

function storeOf(text: string): Store {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "tcp:" && url.hostname !== "" && url.port !== "") {
    return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port), file: "" };
  }
  if (url?.protocol === "file:" && url.hostname === "" && url.pathname.length > 1) {
    return { host: "", port: 0, file: decodeURIComponent(url.pathname) };
  }
  throw new PspnetError("usage", `init: store: expected tcp://host:port or file:///path, found ${text}`);
}

/**
 * The processes that work as one. All call the same collectives, in the same order, with tensors of one shape and element type. None
 * blocks the event loop. A collective that fails, since a rank is gone or late, rejects with an Error; the group is of no use then.
 */
export class ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly #handle: Handle;

  /** @see {@link init} */
  constructor(handle: Handle, { rank, size }: { readonly rank: number; readonly size: number }) {
    this.#handle = handle;
    this.rank = rank;
    this.size = size;
  }

  /** What native functions know it by. */
  get handle(): Handle {
    return this.#handle;
  }

  /** The sum, smallest or largest of what all ranks hold, in place. */
  async allReduce(tensor: Tensor, operation: "sum" | "min" | "max" = "sum"): Promise<void> {
    await native().processGroupAllReduce(this.#handle, tensor.handle, operation);
  }

  /** What rank `root` holds, in place. */
  async broadcast(tensor: Tensor, { root = 0 }: { readonly root?: number } = {}): Promise<void> {
    await native().processGroupBroadcast(this.#handle, tensor.handle, root);
  }

  /** What all ranks hold, one upon another: `[size, ...shape]`. */
  async allGather(tensor: Tensor): Promise<Tensor> {
    return new Tensor((await native().processGroupAllGather(this.#handle, tensor.handle)) as Handle);
  }

  /** Resolves when all ranks have come here. */
  async barrier(): Promise<void> {
    await native().processGroupBarrier(this.#handle);
  }

  /** What batch norm added up so far in `sharing`: how many times, bytes, and the seconds that forward and backward waited for it. */
  get sums(): { readonly count: number; readonly bytes: number; readonly seconds: number } {
    using figures = new Tensor(native().processGroupSums(this.#handle) as Handle);
    const [count, bytes, seconds] = figures.toNumbers();
    return { count, bytes, seconds };
  }

  /**
   * After a collective failed: breaks this rank's connections, so that the others fail too, and tells which ranks have not come here within
   * `patience` seconds. Those are gone, or hang.
   */
  async lost({ patience = 5 }: { readonly patience?: number } = {}): Promise<number[]> {
    const handle = (await native().processGroupLost(this.#handle, Math.ceil(1000 * patience))) as Handle;
    using ranks = new Tensor(handle);
    return ranks.toNumbers();
  }

  /**
   * Runs `work`, a forward pass on this rank's samples of a batch, of which sample i lies on rank i % size. With `syncBn` its batch norm is that
   * of the whole batch, running statistics too, forward and backward; its dropout draws what one process would for the whole batch, if all ranks have
   * the same seed. All ranks do the same work on equally many samples.
   */
  sharing<R>(work: () => R, { syncBn = true }: { readonly syncBn?: boolean } = {}): R {
    native().setSharing(this.#handle, syncBn);
    return during("sharing", work, () => native().setSharing(null, false));
  }

  /** Ends the connections. */
  destroy(): void {
    native().processGroupDestroy(this.#handle);
  }
}
