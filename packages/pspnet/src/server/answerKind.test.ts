import { expect, it } from "vitest";
import { type AcceptEntry, answerKind } from "./answerKind.js";

const entry = (type: string, q = 1, params: Record<string, string> = {}): AcceptEntry => ({ type, q, params });

it.each([
  ["nothing", [], "json"],
  ["anything", [entry("*/*")], "json"],
  [
    "a browser's wishes",
    [entry("text/html"), entry("image/avif"), entry("image/png", 0.9), entry("*/*", 0.8)],
    "labels",
  ],
  ["the better of two", [entry("application/json", 0.5), entry("image/png", 0.6, { view: "overlay" })], "overlay"],
  ["what is named last", [entry("image/webp"), entry("IMAGE/PNG", 1, { view: "colour" })], "colour"],
] as const)("%s", (_, accept, kind) => {
  expect(answerKind(accept)).toBe(kind);
});

it("what there is not, or is not wanted, is refused", () => {
  for (const accept of [[entry("image/webp")], [entry("*/*", 0)], [entry("image/png", 1, { view: "toString" })]])
    expect(() => answerKind(accept)).toThrow(
      "Accept: expected one of application/json, image/png, image/png; view=colour",
    );
});
