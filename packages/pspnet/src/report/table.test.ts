import { ConfusionMatrix } from "@pspnet/core";
import { expect, test } from "vitest";
import { classTable, table } from "./table.js";

test("columns are aligned, the first to the left", () => {
  expect(
    table(
      ["name", "n"],
      [
        ["a", "1"],
        ["longer", "1234"],
      ],
    ).split("\n"),
  ).toEqual(["name       n", "------  ----", "a          1", "longer  1234"]);
});

test("a table without rows is its head", () => expect(table(["a", "b"], [])).toBe("a  b\n-  -"));

test("classes that occur nowhere have dashes", () => {
  const confusion = new ConfusionMatrix(3, [3, 1, 0, 0, 4, 0, 0, 0, 0]);
  expect(classTable(confusion.scores(), ["sky", "sea", "yeti"]).split("\n")).toEqual([
    "class  IoU %  accuracy %  pixels %",
    "-----  -----  ----------  --------",
    "sky    75.00       75.00     50.00",
    "sea    80.00      100.00     50.00",
    "yeti       -           -      0.00",
  ]);
});
