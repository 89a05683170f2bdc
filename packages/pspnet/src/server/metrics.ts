import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Queue } from "./queue.js";

/** Bounds of the histograms' buckets. */
const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

/** What Prometheus is told. */
export class Metrics {
  readonly #registry = new Registry();
  readonly requests: Counter<"method" | "route" | "status">;
  /** From a request's head to its answer. */
  readonly requestSeconds: Histogram<"route">;
  /** Of a request's turn: decoded, segmented, encoded. */
  readonly segmentSeconds: Histogram<"model">;
  readonly crashes: Counter;

  constructor(queue: Queue) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.requests = new Counter({
      name: "pspnet_requests_total",
      help: "Requests answered, by status; 499 for those whose client left",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.requestSeconds = new Histogram({
      name: "pspnet_request_seconds",
      help: "From a request's head to its answer",
      labelNames: ["route"],
      buckets: SECONDS,
      registers,
    });
    this.segmentSeconds = new Histogram({
      name: "pspnet_segment_seconds",
      help: "Of a photograph: decoded, segmented, encoded",
      labelNames: ["model"],
      buckets: SECONDS,
      registers,
    });
    this.crashes = new Counter({
      name: "pspnet_crashes_total",
      help: "Times that the process of the networks ended by itself",
      registers,
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge("pspnet_requests_admitted", "Requests that are received, wait or are worked on", () => queue.admitted);
    gauge("pspnet_requests_working", "Requests that are worked on", () => queue.working);
  }

  get type(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Lets go of what counts. */
  [Symbol.dispose](): void {
    this.#registry.clear();
  }
}
