import { nearest, PspnetError } from "@pspnet/core";
import { BOXED } from "./boxed.js";
import type { RemoteFile } from "./download.js";
import { CSAIL, DATASETS, MMSEGMENTATION, PADDLESEG, TORCHVISION, type ZooDataset, type ZooTable } from "./zooTable.js";

/** Who publishes weights. */
export type ZooSource = "mmsegmentation" | "PaddleSeg" | "CSAIL" | "torchvision" | "pspnet";

/** Weights that somebody publishes. */
export interface ZooEntry {
  /** As its publisher calls it. */
  readonly name: string;
  /** What the best of its source, dataset and network are called here. */
  readonly short: string | null;
  readonly source: ZooSource;
  readonly dataset: ZooDataset;
  readonly backbone: string;
  /** Whether its network is one that can be here. */
  readonly supported: boolean;
  /** Whether it is a backbone without a head. */
  readonly alone: boolean;
  readonly licence: string;
  /** Published mean IoU, of a backbone alone top-1 accuracy, in per cent. */
  readonly score: number;
  /** The same averaged over scales and mirror images. */
  readonly averaged: number | null;
  /** Side of the training crops, the smaller. */
  readonly crop: number | null;
  /** One, or encoder and decoder; none of what comes with the packages. */
  readonly files: readonly RemoteFile[];
  /** Fields of the network's parts that neither names nor shapes tell. */
  readonly fields: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const LICENCES: Readonly<Record<Exclude<ZooSource, "pspnet">, string>> = {
  mmsegmentation: "Apache-2.0",
  PaddleSeg: "Apache-2.0",
  CSAIL: "BSD-3-Clause",
  torchvision: "BSD-3-Clause",
};

const CORNERS = { pyramid: { alignCorners: true }, upsampling: { alignCorners: true } } as const;

/** Where stages stride again, mmsegmentation's still dilate; the one of PaddleSeg never does. */
const STRIDE_32: Readonly<Partial<Record<ZooSource, ZooEntry["fields"]>>> = {
  mmsegmentation: { backbone: { outputStride: 32, dilations: [1, 1, 2, 4] } },
  PaddleSeg: { backbone: { outputStride: 32, dilations: [1, 1, 1, 1] } },
};

/** All that others published. */
export function zoo(): ZooEntry[] {
  return [
    ...entries("mmsegmentation", MMSEGMENTATION, mmsegmentationFiles),
    ...entries("PaddleSeg", PADDLESEG, paddlesegFiles),
    ...entries("CSAIL", CSAIL, csailFiles),
    ...backbones(),
  ];
}

/** All that has a name: what comes with the packages first. */
export function allNamed(): ZooEntry[] {
  return [BOXED, ...zoo()];
}

/** The entry that a full or short name means, or null. */
export function findInZoo(name: string): ZooEntry | null {
  return allNamed().find((entry) => entry.name === name || entry.short === name) ?? null;
}

/** @throws PspnetError "usage" with the nearest name. */
export function zooEntry(name: string): ZooEntry {
  const found = findInZoo(name);
  if (found) return found;
  const near = nearestName(name);
  const hint = near ? `did you mean ${near}?` : "`pspnet models --pull` lists them";
  throw new PspnetError("usage", `${name}: expected the name of published weights; ${hint}`);
}

/** The full or short name that is most like a word, or null when none is near. */
export function nearestName(word: string): string | null {
  return nearest(
    word,
    allNamed().flatMap(({ name, short }) => (short ? [short, name] : [name])),
  );
}

/** The words of an entry. */
interface Row {
  readonly name: string;
  readonly words: readonly string[];
  /** The value of a word `key=value`. */
  value(key: string): string | null;
  readonly address: string;
}

function rows(text: string): Row[] {
  return text
    .split(";")
    .map((entry) => entry.split(/\s+/).filter(Boolean))
    .filter(({ length }) => length > 0)
    .map((words) => ({
      name: words[0],
      words,
      value: (key) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1) ?? null,
      address: words[words.length - 1],
    }));
}

function entries(source: Exclude<ZooSource, "pspnet">, table: ZooTable, files: (row: Row) => RemoteFile[]): ZooEntry[] {
  return Object.entries(table).flatMap(([dataset, text]) =>
    rows(text).map((row) => {
      const [name, backbone, crop, score, averaged, ...others] = row.words;
      return {
        name,
        short: row.value("as"),
        source,
        dataset: dataset as ZooDataset,
        backbone,
        supported: !backbone.startsWith("resnest"),
        alone: false,
        licence: LICENCES[source],
        score: Number(score),
        averaged: averaged === "-" ? null : Number(averaged),
        crop: crop === "-" ? null : Math.min(...crop.split("x").map(Number)),
        files: files(row),
        fields: { ...(others.includes("corners") && CORNERS), ...(others.includes("stride32") && STRIDE_32[source]) },
      };
    }),
  );
}

function backbones(): ZooEntry[] {
  return rows(TORCHVISION).map(({ name, words: [, score], address }) => ({
    name,
    short: null,
    source: "torchvision",
    dataset: "imagenet",
    backbone: name.replace(/-v2$/, ""),
    supported: true,
    alone: true,
    licence: LICENCES.torchvision,
    score: Number(score),
    averaged: null,
    crop: null,
    files: [file(`https://download.pytorch.org/models/${address}.pth`)],
    fields: {},
  }));
}

/** @param hashed Whether the beginning of its sha256 ends the file's name. */
function file(url: string, { bytes = null as number | null, hashed = true } = {}): RemoteFile {
  return { url, sha256: hashed ? url.slice(-".01234567.pth".length + 1, -".pth".length) : null, bytes };
}

function mmsegmentationFiles(row: Row): RemoteFile[] {
  const folder = row.value("in") ?? `pspnet/${row.address.replace(/_\d{8}_\d{6}-[0-9a-f]{8}$/, "")}`;
  return [file(`https://download.openmmlab.com/mmsegmentation/v0.5/${folder}/${row.address}.pth`)];
}

function paddlesegFiles({ name, address }: Row): RemoteFile[] {
  return [file(`https://${address}/${name}/model.pdparams`, { hashed: false })];
}

function csailFiles(row: Row): RemoteFile[] {
  const sizes = row.value("bytes")?.split(",").map(Number);
  return ["encoder", "decoder"].map((part, i) =>
    file(`http://sceneparsing.csail.mit.edu/model/pytorch/${row.name}/${part}_epoch_${row.address}.pth`, {
      bytes: sizes?.[i] ?? null,
      hashed: false,
    }),
  );
}

/** `ADE20K` */
export function datasetTitle({ dataset }: ZooEntry): string {
  return DATASETS[dataset][0];
}

export function datasetClasses({ dataset }: ZooEntry): number {
  return DATASETS[dataset][1];
}
