import { GradientReducer, init, ncclProblem, type Place, type ProcessGroup, type Tensor } from "@pspnet/torch";
import type { Device } from "../segment/engine.js";
import type { World } from "./world.js";

export interface ProcessWorldOptions {
  /** Seconds that ranks wait for each other. */
  readonly timeout: number;
  /** Of this process: ranks on GPUs exchange what is there by NCCL, or where that is not to be had by way of main memory. */
  readonly device: "cpu" | `cuda:${number}`;
}

/** The processes that a launcher started, each in its place. */
export class ProcessWorld implements World {
  private constructor(
    private readonly group: ProcessGroup,
    readonly device: Device,
  ) {}

  /** @throws PspnetError "environment" unless all come in time, each once. */
  static async join(place: Place, { timeout, device }: ProcessWorldOptions): Promise<ProcessWorld> {
    const own = device !== "cpu" && ncclProblem() === null ? ({ backend: "nccl", device } as const) : {};
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

  gradients(parameters: readonly Tensor[], { wire }: { readonly wire: "fp32" | "bf16" }): GradientReducer {
    return new GradientReducer(this.group, parameters, { wire: wire === "bf16" ? "bfloat16" : "float32" });
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
