/** The readers of bytes that others made. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  CAMVID,
  families,
  importCheckpoint,
  PspnetError,
  parseWeights,
  pspnetConfig,
  randomWeights,
  readCheckpoint,
  type State,
} from "@pspnet/core";
import { encode } from "fast-png";
import { readYaml, type Tree } from "../../packages/pspnet/src/config/tree.js";
import { validateTrainConfig } from "../../packages/pspnet/src/config/validate.js";
import { classesOf } from "../../packages/pspnet/src/data/classNames.js";
import { colourTable } from "../../packages/pspnet/src/data/ids.js";
import { readMask } from "../../packages/pspnet/src/data/masks.js";
import { decodeNpy, encodeNpy } from "../../packages/pspnet/src/files/npy.js";
import type { Input, InputFile } from "./input.js";

export interface Target {
  readonly name: string;
  /** Of a hundred runs over all targets. */
  readonly share: number;
  /** Whether errors name a file of the input; else they need only be a PspnetError. */
  readonly namesFile: boolean;
  /** What is mutated. */
  originals(): Input[];
  /** @throws PspnetError for what it refuses. */
  read(input: Input): void | Promise<void>;
}

const folderOf = (path: string) => new URL(`../../${path}/`, import.meta.url);

function filesOf(folder: URL, ending: RegExp): InputFile[] {
  const names = readdirSync(folder).filter((name) => ending.test(name));
  return names.map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, folder))) }));
}

/**
 * Every format of weights, by its fixtures: a file each, or those that share a name up to `.index` and `.data-...`. The one that
 * ends in `.ckpt` is none.
 */
const checkpoints: Target = {
  name: "checkpoints",
  share: 80,
  namesFile: true,
  originals() {
    const files = filesOf(folderOf("packages/checkpoints/test/fixtures"), /\.(?!json$|ckpt$)\w+(-\d+-of-\d+)?$/);
    const setOf = ({ name }: InputFile) => name.replace(/\.(index|meta|data-[^.]+)$/, "");
    return [...new Set(files.map(setOf))].map((set) => files.filter((file) => setOf(file) === set));
  },
  read(input) {
    const { state, beside } = readCheckpoint(input);
    for (const tensor of [...state.values(), ...beside.values()]) tensor.float32();
  },
};

/** A file of the most elements that the tensors of `families` have together. */
const MOST_ELEMENTS = 2 ** 22;

/** What the families make of names and shapes: JSON of both, as the readers may give them. */
const importing: Target = {
  name: "families",
  share: 8,
  namesFile: false,
  originals() {
    const folder = folderOf("packages/pspnet/test/golden/families");
    return filesOf(folder, /(?<!expected)\.(safetensors|pdparams|caffemodel|npy|h5)\.gz$/).map(({ name, bytes }) => {
      const { format, state } = readCheckpoint([{ name, bytes: new Uint8Array(gunzipSync(bytes)) }]);
      const shapes = Object.fromEntries([...state].map(([key, { shape }]) => [key, shape]));
      return [
        { name: `${name}.json`, bytes: new Uint8Array(Buffer.from(JSON.stringify({ format, from: 0, shapes }))) },
      ];
    });
  },
  read([{ bytes }]) {
    const { format, from, shapes } = parsed(bytes);
    let left = MOST_ELEMENTS;
    const state: State = new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const count = shape.reduce((product, size) => product * size, 1);
        left -= count;
        return [name, { shape, dtype: "float32", float32: () => new Float32Array(count) }];
      }),
    );
    if (!(left >= 0)) throw new PspnetError("format", "more elements than the file could have held");
    const names = ["auto", ...families.map(({ name }) => name)];
    const { state: ours } = importCheckpoint({ format, state, metadata: {} }, { from: names[from % names.length] });
    for (const tensor of ours.values()) tensor.bytes.byteLength;
  },
};

interface Shapes {
  readonly format: string;
  /** Whose names they are taken to be: 0 for "auto". */
  readonly from: number;
  readonly shapes: Record<string, number[]>;
}

/** @throws PspnetError for what no reader of a format lets through. */
function parsed(bytes: Uint8Array): Shapes {
  try {
    const { format, from, shapes } = JSON.parse(Buffer.from(bytes).toString());
    const isShape = (shape: unknown) =>
      Array.isArray(shape) && shape.length <= 32 && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
    const isFormat = typeof format === "string" && format.length < 40 && Number.isSafeInteger(from) && from >= 0;
    if (isFormat && Object.values(shapes).every(isShape)) return { format, from, shapes };
  } catch {}
  throw new PspnetError("format", "no names and shapes");
}

/** Weights of ours, whose metadata describe a network. */
const weights: Target = {
  name: "weights",
  share: 4,
  namesFile: true,
  originals() {
    const small = { classes: 3, head: { channels: 2 }, auxiliary: { channels: 2 } };
    const backbones = [
      { kind: "resnet", layers: 18, width: 1 },
      { kind: "squeezenet", width: 8 },
      { kind: "mobilenetv2", multiplier: 0.1 },
    ] as const;
    return backbones.map((backbone) => [
      { name: `${backbone.kind}.safetensors`, bytes: randomWeights(pspnetConfig({ ...small, backbone })) },
    ]);
  },
  read([{ name, bytes }]) {
    parseWeights(bytes, { source: name });
  },
};

const npy: Target = {
  name: "npy",
  share: 2,
  namesFile: false,
  originals() {
    const shapes = [[2, 3], [5], []];
    return shapes.map((shape) => {
      const count = shape.reduce((product, size) => product * size, 1);
      return [{ name: "array.npy", bytes: new Uint8Array(Buffer.concat(encodeNpy(new Float32Array(count), shape))) }];
    });
  },
  read([{ bytes }]) {
    decodeNpy(bytes);
  },
};

const COLOURS = colourTable({ count: CAMVID.names.length, palette: CAMVID.palette });

const masks: Target = {
  name: "masks",
  share: 3,
  namesFile: true,
  originals() {
    const grey = { width: 9, height: 7, depth: 8, channels: 1, data: new Uint8Array(63).fill(3) } as const;
    const bits = { width: 9, height: 7, depth: 1, channels: 1, data: new Uint8Array(14).fill(0x55) } as const;
    const wide = { ...grey, depth: 16, data: new Uint16Array(63).fill(200) } as const;
    const colours = { ...grey, channels: 3, data: new Uint8Array(189) } as const;
    return [grey, { ...grey, palette: CAMVID.palette.map((rgb) => [...rgb]) }, bits, wide, colours].map((image, i) => [
      { name: `mask${i}.png`, bytes: encode(image) },
    ]);
  },
  read: (input) => onDisk(input, async ([path]) => void (await readMask(path, { colours: COLOURS }))),
};

/** Configurations of runs, and lists of classes. */
const config: Target = {
  name: "config",
  share: 3,
  namesFile: true,
  originals() {
    const classes = Buffer.from(JSON.stringify(CAMVID));
    return [
      ...filesOf(folderOf("examples"), /^(?!kubernetes).*\.yaml$/).map((file) => [file]),
      [{ name: "classes.json", bytes: new Uint8Array(classes) }],
      [{ name: "run.yaml", bytes: new Uint8Array(Buffer.from(JSON.stringify({ data: { root: "a" }, model: {} }))) }],
    ];
  },
  read: (input) =>
    onDisk(input, async ([path]) => {
      if (path.endsWith(".json")) await classesOf({ root: ".", classes: path });
      else validateTrainConfig((await readYaml(path, path)) as Tree & { data: { root: string } }, path);
    }),
};

/** Reads files by their paths. */
async function onDisk(input: Input, read: (paths: string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pspnet-fuzz-"));
  try {
    const paths = input.map(({ name }) => join(folder, name));
    for (const [i, { bytes }] of input.entries()) writeFileSync(paths[i], bytes);
    await read(paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const TARGETS: readonly Target[] = [checkpoints, importing, weights, npy, masks, config];
