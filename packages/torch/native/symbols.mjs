// What a library for Linux asks of others and of its loader, read with binutils' readelf. Node's own modules only.
import { spawnSync } from "node:child_process";

/** The newest versions that an addon may ask for: those of manylinux_2_28, whose systems are as old as libtorch takes them. */
export const newest = { GLIBC: "2.28", GLIBCXX: "3.4.24", CXXABI: "1.3.11", GCC: "7.0.0" };

function readelf(flag, file) {
  const { status, stdout, stderr, error } = spawnSync("readelf", ["-W", flag, file], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  throw new Error(
    `readelf ${flag} ${file}: ${error?.message ?? stderr.trim()}. It is part of binutils (Debian: apt install binutils)`,
  );
}

/** The names of the libraries that a library is linked with. */
export function librariesOf(file) {
  return [...readelf("-d", file).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

/** The versions of symbols beyond {@link newest} that a library asks for, as `GLIBC_2.34`. */
export function versionsBeyond(file) {
  const needs = readelf("-V", file).split("Version needs section")[1] ?? "";
  const versions = new Set([...needs.matchAll(/Name: (\w+?_[\d.]+)\s/g)].map(([, name]) => name));
  return [...versions].filter((name) => {
    const [family, version] = name.split("_");
    return family in newest && isBeyond(version, newest[family]);
  });
}

/** The addresses, from that of a library on, that a loader maps its segments to. */
export function segmentsOf(file) {
  return [...readelf("-l", file).matchAll(/^ +LOAD +0x\w+ (0x\w+)/gm)].map(([, address]) => address);
}

function isBeyond(version, limit) {
  const [parts, limits] = [version, limit].map((text) => text.split(".").map(Number));
  const place = parts.findIndex((part, index) => part !== (limits[index] ?? 0));
  return place >= 0 && parts[place] > (limits[place] ?? 0);
}
