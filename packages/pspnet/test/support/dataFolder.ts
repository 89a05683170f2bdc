import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RgbImage } from "@pspnet/core";
import type { DataConfig } from "pspnet";
import { afterEach, beforeEach } from "vitest";

/** The root of a dataset that each test makes anew. */
export let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pspnet-data-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

export async function put(path: string, content: Uint8Array | string): Promise<string> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

export const image = (width: number, height: number): RgbImage => ({
  width,
  height,
  channels: 3,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 256),
});

export const describeData = (given: Partial<DataConfig> = {}): DataConfig => ({
  root,
  format: "auto",
  train: "train",
  val: "val",
  classes: ["a", "b", "c"],
  ...given,
});
