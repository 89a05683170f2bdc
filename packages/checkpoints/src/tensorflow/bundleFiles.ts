const FILE = /^(.+)\.(index|meta|data-\d{5}-of-\d{5})$/;

/** `model.ckpt-7` of the files of a TensorFlow checkpoint, `model.ckpt-7.index` and the like; null for another name. */
export function bundlePrefix(name: string): string | null {
  return FILE.exec(name)?.[1] ?? null;
}

/** How the name of a part of the data ends, of `count`. */
export function shardEnding(shard: number, count: number): string {
  const digits = (n: number) => String(n).padStart(5, "0");
  return `.data-${digits(shard)}-of-${digits(count)}`;
}
