import {
  GradientReducer,
  gradientOverlap,
  init,
  ncclProblem,
  type Place,
  type ProcessGroup,
  type Tensor,
} from "@pspnet/torch";
import type { Device } from "../segment/engine.js";
import type { GradientSum, GradientSumOptions, World } from "./world.js";

export interface ProcessWorldOptions {
  /** Seconds that ranks wait for each other. */
  readonly timeout: number;
  /** Of this process. */
  readonly device: "cpu" | `cuda:${number}`;
  /**
   * Whether ranks on GPUs exchange what is there by NCCL, where that is to be had. Else they do by way of main memory, where a rank that
   * is killed is noticed at once.
   */
  readonly nccl: boolean;
}

/** The processes that a launcher started, each in its place. */
export class ProcessWorld implements World {
  /** Seconds so far: of gradients on their way, of these beside backward, and of steps that waited for the rest. */
  readonly #spent = { sending: 0, overlapped: 0, waited: 0 };

  private constructor(
    private readonly group: ProcessGroup,
    readonly device: Device,
  ) {}

  /** @throws PspnetError "environment" unless all come in time, each once. */
  static async join(place: Place, { timeout, device, nccl }: ProcessWorldOptions): Promise<ProcessWorld> {
    const own = nccl && device !== "cpu" && ncclProblem() === null ? ({ backend: "nccl", device } as const) : {};
    return new ProcessWorld(await init({ ...place, timeout, ...own }), device);
  }

  get rank(): number {
    return this.group.rank;
  }

  get size(): number {
    return this.group.size;
  }

  sum(values: Tensor): Promise<void> {
    return this.group.allReduce(values);
  }

  barrier(): Promise<void> {
    return this.group.barrier();
  }

  gradients(parameters: readonly Tensor[], { wire, bucket }: GradientSumOptions): GradientSum {
    const options = {
      wire: wire === "bf16" ? "bfloat16" : "float32",
      bucketBytes: Math.ceil(bucket * 2 ** 20),
    } as const;
    const reducer = new GradientReducer(this.group, parameters, options);
    return {
      begin: () => reducer.begin(),
      finish: async () => {
        await reducer.finish();
        this.#count(reducer);
      },
      dispose: () => reducer.dispose(),
    };
  }

  #count({ timings }: GradientReducer): void {
    if (timings === null) return;
    const { sending, overlapped } = gradientOverlap(timings);
    this.#spent.sending += sending;
    this.#spent.overlapped += overlapped;
    this.#spent.waited += timings.finished - timings.computed;
  }

  get spent(): string {
    const { sending, overlapped, waited } = this.#spent;
    const hidden = sending > 0 ? Math.round((100 * overlapped) / sending) : 0;
    const text = (seconds: number) => `${seconds.toFixed(1)} s`;
    return (
      `ranks: gradients were on their way for ${text(sending)}, ${hidden} % of it while backward went on; ` +
      `waited ${text(waited)} for the rest, ${text(this.group.sums.seconds)} for batch norm`
    );
  }

  sharing<R>(work: () => R, options: { readonly syncBn: boolean }): R {
    return this.group.sharing(work, options);
  }

  /** Which ranks are gone, or hang, after a collective failed. */
  lost(): Promise<number[]> {
    return this.group.lost();
  }

  close(): void {
    this.group.destroy();
  }
}
