import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestNetwork } from "./network.js";
import type { Case } from "./scaleRecord.js";

const SCRIPT = fileURLToPath(new URL("../../packages/pspnet/bench/rankStep.mjs", import.meta.url));

/** Takes its turns with the others of its case, one answer for each line. */
export class RankProcess {
  readonly #child;
  readonly #lines;
  readonly #ended;

  constructor(network: TestNetwork, wanted: Case, { rank, store }: { readonly rank: number; readonly store: string }) {
    const { layers, size, batch, ranks, threads, wire, bucket, steps } = wanted;
    const flags = { layers, size, batch, ranks, wire, bucket, steps, rank, store, network: network.interface };
    const words = Object.entries(flags).map(([key, value]) => `--${key}=${value}`);
    const [program, ...rest] = network.on(rank, [process.execPath, SCRIPT, ...words]);
    this.#child = spawn(program, rest, {
      env: { ...process.env, OMP_NUM_THREADS: String(threads), GLOO_SOCKET_IFNAME: network.interface },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#ended = once(this.#child, "exit");
  }

  async answer(): Promise<unknown> {
    const ended = this.#ended.then(([code]) => {
      throw new Error(`rankStep.mjs: a rank ended with code ${code}`);
    });
    const [line] = (await Promise.race([once(this.#lines, "line"), ended])) as [string];
    return JSON.parse(line);
  }

  ask(line: string): Promise<unknown> {
    const answer = this.answer();
    this.#child.stdin.write(`${line}\n`);
    return answer;
  }

  end(): void {
    this.#child.kill();
  }
}
