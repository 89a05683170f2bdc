import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  ADE20K,
  CAMVID,
  CAMVID_SEMSEG,
  CITYSCAPES,
  CITYSCAPES_LABEL_IDS,
  classLists,
  VOC2012,
  vocPalette,
} from "./classLists.js";

/** Digests of the lines as a file with and without a last line end; the release's files have Windows' line ends. */
const digests = (lines: readonly string[]) =>
  ["", "\r\n"].map((end) =>
    createHash("sha256")
      .update(lines.join("\r\n") + end)
      .digest("hex")
      .slice(0, 16),
  );

describe("class lists", () => {
  // Digests of the official release's data/<name>/<name>_names.txt and _colors.txt.
  it.each([
    ["voc2012", VOC2012, 21, "bdf485c9cd1d5bfa", "3b15e60cb2a36cda"],
    ["cityscapes", CITYSCAPES, 19, "1a5933d79f209769", "0f40967a2b07ddfb"],
    ["ade20k", ADE20K, 150, "b22d5d4cde4ce78d", "15e20abe287d2e36"],
    ["camvid-semseg", CAMVID_SEMSEG, 11, "79dd5f67d9967460", "1f61efb90fab574a"],
  ] as const)("%s is the official release's", (name, { names, palette }, count, namesDigest, coloursDigest) => {
    expect(names).toHaveLength(count);
    expect(digests(names)).toContain(namesDigest);
    expect(digests(palette.map((colour) => colour.join(" ")))).toContain(coloursDigest);
    expect(classLists[name].names).toBe(names);
  });

  it("CamVid has SegNet's order and the same colours as the official release's by name", () => {
    expect(CAMVID.names.slice(0, 5)).toEqual(["Sky", "Building", "Pole", "Road", "Pavement"]);
    expect(CAMVID.palette[0]).toEqual([128, 128, 128]);
    for (const name of ["Sky", "Building", "Road", "Tree", "Car", "Pedestrian", "Bicyclist"]) {
      expect(CAMVID.palette[CAMVID.names.indexOf(name)]).toEqual(
        CAMVID_SEMSEG.palette[CAMVID_SEMSEG.names.indexOf(name)],
      );
    }
  });

  it("Cityscapes has a label id for each class", () => {
    expect(CITYSCAPES_LABEL_IDS).toHaveLength(CITYSCAPES.names.length);
    const idOf = (name: string) => CITYSCAPES_LABEL_IDS[CITYSCAPES.names.indexOf(name)];
    expect(["road", "traffic light", "sky", "car", "bicycle"].map(idOf)).toEqual([7, 19, 23, 26, 33]);
  });

  it("VOC's palette goes on after its classes", () => {
    expect(vocPalette(21)).toEqual(VOC2012.palette);
    expect(vocPalette(256)[255]).toEqual([224, 224, 192]);
    expect(new Set(vocPalette(256).map(String)).size).toBe(256);
  });
});
