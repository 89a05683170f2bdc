import { expect, test } from "vitest";
import { nearest } from "./suggest.js";

const keys = ["epochs", "batch", "crop", "auxWeight", "weightDecay"];

test.each([
  ["epoch", "epochs"],
  ["bacth", "batch"],
  ["auxweight", "auxWeight"],
  ["weight_decay", "weightDecay"],
])("%s means %s", (word, meant) => expect(nearest(word, keys)).toBe(meant));

test("a word like none of them has no suggestion", () => expect(nearest("zebra", keys)).toBeNull());
