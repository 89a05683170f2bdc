import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("no file, and no network of core, comes with the scenes", () => {
  const dist = new URL("../dist/", import.meta.url);
  const texts = readdirSync(dist)
    .filter((file) => file.endsWith(".js"))
    .map((file) => readFileSync(new URL(file, dist), "utf8"));
  const imported = texts.flatMap((text) => [...text.matchAll(/from "([^".][^"]*)"/g)].map(([, name]) => name));
  expect([...new Set(imported)].sort()).toEqual(["@pspnet/core/error", "@pspnet/core/random"]);
});
