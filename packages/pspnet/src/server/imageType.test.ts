import { expect, it } from "vitest";
import { imageType } from "./imageType.js";

const file = (head: string) => Buffer.from(head.padEnd(20, "\0"), "latin1");

it.each([
  ["image/jpeg", "\xff\xd8\xff\xe0"],
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/gif", "GIF89a"],
  ["image/webp", "RIFF\x10\0\0\0WEBPVP8 "],
  ["image/avif", "\0\0\0\x1cftypavif"],
  ["image/tiff", "II*\0"],
  ["image/tiff", "MM\0*"],
  [null, "<svg xmlns="],
  [null, "%PDF-1.7"],
  [null, "RIFF\x10\0\0\0WAVE"],
  [null, "\0\0\0\x1cftypheic"],
  [null, "BM"],
])("%s", (type, head) => {
  expect(imageType(file(head))).toBe(type);
});

it("a file that is too short is none", () => {
  expect(imageType(new Uint8Array())).toBe(null);
  expect(imageType(Buffer.from("\xff\xd8", "latin1"))).toBe(null);
});
