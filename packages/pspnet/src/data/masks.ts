import { readFile } from "node:fs/promises";
import { type LabelMap, PspnetError } from "@pspnet/core";
import { type DecodedPng, decode } from "fast-png";
import { type ColourTable, colourKey } from "./ids.js";

/** Places in a PNG file, whose header always comes first. */
const IHDR_DEPTH = 24;
const IHDR_INTERLACE = 28;

/** A mask as it is stored, before its ids get their meaning. */
export interface StoredMask extends LabelMap {
  /** What its ids were: the values of a grey PNG, the indices of a palette PNG, or found by the colours of an RGB one. */
  readonly kind: "grey" | "palette" | "colours";
}

export interface ReadMaskOptions {
  /** What colours stand for, for masks that hold them in place of ids; others are errors. */
  readonly colours?: ColourTable;
}

/**
 * Reads the ids of a mask: the indices of a palette PNG, or the values of a grey one of 1 to 16 bits. With a table of
 * colours, also those that the colours of an RGB one stand for.
 *
 * @throws PspnetError "data" for what is no PNG, for colours that stand for no id, and for ids above 255.
 */
export async function readMask(path: string, { colours }: ReadMaskOptions = {}): Promise<StoredMask> {
  const png = await decodeFile(path);
  if (png.channels >= 3 && png.depth === 8 && colours)
    return { ...idsOfColours(png, { colours, path }), kind: "colours" };
  if (png.channels !== 1) {
    const mend =
      "save it as grey or palette PNG, a class id in each pixel, or say which colour is which class in classes.json or data.ids";
    throw new PspnetError("data", `${path}: expected one id a pixel, found ${png.channels} colour channels; ${mend}`);
  }
  const { width, height, depth, palette } = png;
  if (palette && colours?.ofPalettes) {
    const data = coloursOf(unpack(png), palette);
    return { ...idsOfColours({ width, height, channels: 3, data }, { colours, path }), kind: "colours" };
  }
  const data = depth === 16 ? narrow(png.data, path) : unpack(png);
  return { width, height, data, kind: palette ? "palette" : "grey" };
}

/** What the pixels of a mask are, whatever they mean. */
export interface MaskContents {
  /** Numbers, of a grey or a palette PNG, or colours by {@link colourKey}, of an RGB one. */
  readonly hold: "ids" | "colours";
  /** How many pixels are each. */
  readonly pixels: ReadonlyMap<number, number>;
}

/**
 * What a mask holds.
 *
 * @throws PspnetError "data" for what is no PNG, and for ids above 255.
 */
export async function maskContents(path: string): Promise<MaskContents> {
  const png = await decodeFile(path);
  const { channels, depth, data } = png;
  const pixels = new Map<number, number>();
  if (channels < 3 || depth !== 8) {
    for (const id of (await readMask(path)).data) pixels.set(id, (pixels.get(id) ?? 0) + 1);
    return { hold: "ids", pixels };
  }
  for (let i = 0; i < data.length; i += channels) {
    const key = colourKey(data[i], data[i + 1], data[i + 2]);
    pixels.set(key, (pixels.get(key) ?? 0) + 1);
  }
  return { hold: "colours", pixels };
}

async function decodeFile(path: string): Promise<DecodedPng> {
  try {
    const bytes = await readFile(path);
    refuseInterlacedBits(bytes, path);
    return decode(bytes, { checkCrc: true });
  } catch (cause) {
    if (cause instanceof PspnetError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const found = code === "ENOENT" ? "no such file" : `broken, cut off or no PNG (${message.trim()})`;
    throw new PspnetError("data", `${path}: expected a PNG mask that can be decoded, found ${found}`, { cause });
  }
}

/** fast-png takes a byte for each pixel of an interlaced file, so it would give wrong ids where there are several in one. */
function refuseInterlacedBits(bytes: Uint8Array, path: string): void {
  const [depth, interlaced] = [bytes[IHDR_DEPTH], bytes[IHDR_INTERLACE]];
  if (interlaced !== 1 || depth >= 8) return;
  const expected = "expected a mask without interlacing, or of 8 bits";
  throw new PspnetError("data", `${path}: ${expected}, found an interlaced one of ${depth} bits; save it without`);
}

/** Pixels of less than 8 bits stand several to a byte, each row beginning a new one. */
function unpack({ width, height, depth, data }: DecodedPng): Uint8Array {
  if (depth === 8) return new Uint8Array(data);
  const perByte = 8 / depth;
  const stride = Math.ceil(width / perByte);
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = data[y * stride + Math.floor(x / perByte)];
      ids[y * width + x] = (byte >> (8 - depth * ((x % perByte) + 1))) & ((1 << depth) - 1);
    }
  }
  return ids;
}

/** Red, green and blue of each index; black where the palette has none. */
function coloursOf(indices: Uint8Array, palette: NonNullable<DecodedPng["palette"]>): Uint8Array {
  const data = new Uint8Array(3 * indices.length);
  for (const [i, index] of indices.entries())
    for (let channel = 0; channel < 3; channel++) data[3 * i + channel] = palette[index]?.[channel] ?? 0;
  return data;
}

/** What each pixel's colour stands for; transparency is of no account. */
function idsOfColours(
  { width, height, channels, data }: Pick<DecodedPng, "width" | "height" | "channels" | "data">,
  { colours, path }: { readonly colours: ColourTable; readonly path: string },
): LabelMap {
  const ids = new Uint8Array(width * height);
  let last = -1;
  let id: number | string | undefined;
  for (let i = 0; i < ids.length; i++) {
    const colour = colourKey(data[channels * i], data[channels * i + 1], data[channels * i + 2]);
    if (colour !== last) id = colours.labels.get(colour);
    last = colour;
    if (typeof id !== "number") {
      const rgb = `${colour >> 16},${(colour >> 8) & 255},${colour & 255}`;
      const found = `found ${rgb} at ${i % width},${Math.floor(i / width)}, ${id ?? "no class's"}`;
      const mend = "save the mask with ids, or say by data.ids which class a colour is, by data.ignore which is none";
      throw new PspnetError("data", `${path}: expected the classes' colours, ${found}; ${mend}`);
    }
    ids[i] = id;
  }
  return { width, height, data: ids };
}

function narrow(data: ArrayLike<number>, path: string): Uint8Array {
  const ids = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    if (data[i] > 255)
      throw new PspnetError(
        "data",
        `${path}: expected ids up to 255, found ${data[i]} in a 16-bit mask; number the classes from 0`,
      );
    ids[i] = data[i];
  }
  return ids;
}
