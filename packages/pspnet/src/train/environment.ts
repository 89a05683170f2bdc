import { arch, cpus, platform, release, totalmem } from "node:os";
import type { Precision } from "@pspnet/core";
import { version as libtorchVersion, numThreads } from "@pspnet/torch";

/** On what a run computes, for `environment.json`. */
export function environment(precision: Precision): Record<string, unknown> {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    threads: numThreads(),
    precision,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    libtorch: libtorchVersion(),
  };
}
