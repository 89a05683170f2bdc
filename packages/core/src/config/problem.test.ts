import { describe, expect, it } from "vitest";
import { mismatch, shown } from "./problem.js";

describe("shown", () => {
  it.each([
    [0.5, "0.5"],
    ["text", '"text"'],
    [[1, 2], "[1,2]"],
    [undefined, "undefined"],
    [Promise.resolve(), "a Promise"],
    [Math.sqrt, "a function"],
    ["x".repeat(100), `"${"x".repeat(79)}...`],
  ])("tells %j as %s", (value, text) => {
    expect(shown(value)).toBe(text);
  });

  it("tells values that JSON has not, too", () => {
    const own: unknown[] = [];
    own.push(own);
    expect(mismatch(["lr"], "a number", own).message).toBe("expected a number, found a value that JSON has not");
  });
});
