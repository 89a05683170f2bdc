import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import {
  type ClassList,
  differences,
  type Imported,
  importCheckpoint,
  isDescription,
  officialState,
  PARTS,
  type PartName,
  type PSPNetConfig,
  PspnetError,
  pspnetConfig,
  safetensorsPieces,
  torchPieces,
} from "@pspnet/core";
import { parseOverrides } from "../config/tree.js";
import { classesOf } from "../data/classNames.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { refuseOverInput } from "../files/outputFile.js";
import { checkpointFiles, readForeign } from "../files/readForeign.js";
import { counted } from "../report/counted.js";
import { readWeights } from "../segment/readWeights.js";
import { messages, print, printJson } from "./terminal.js";

interface ImportFlags {
  readonly from: string;
  readonly to: "safetensors" | "torch";
  readonly out?: string;
  readonly classes?: string;
  readonly crop?: number;
  readonly licence?: string;
  readonly json?: true;
}

export async function importFiles(given: readonly string[], flags: ImportFlags): Promise<void> {
  const isKey = (word: string) => /^[\w.]+=/.test(word) && !existsSync(word);
  const files = given.filter((word) => !isKey(word));
  const overrides = given.filter(isKey);
  if (files.length === 0)
    throw new PspnetError("usage", "import: expected a checkpoint, found keys alone; give its file");
  if (flags.to === "torch") await writeOfficial(files, overrides, flags);
  else await importForeign(files, parseOverrides(overrides, "import"), flags);
}

async function importForeign(paths: readonly string[], fields: unknown, flags: ImportFlags): Promise<void> {
  const files = await checkpointFiles(paths);
  const { from, crop, licence, json } = flags;
  const out = flags.out ?? beside(files[0], ".safetensors");
  await refuseOverInput(out, files);
  const checkpoint = await readForeign(files);
  if (isDescription(checkpoint.metadata)) {
    const mend =
      checkpoint.format === "ONNX"
        ? "import what it was exported from, for in it layers are folded and split"
        : "use it as it is, or write the official release's with --to torch";
    throw new PspnetError(
      "usage",
      `${files[0]}: expected another program's checkpoint, found weights whose file describes itself already; ${mend}`,
    );
  }
  const classes = flags.classes === undefined ? undefined : await classList(flags.classes);
  const imported = importCheckpoint(checkpoint, { from, fields, classes, crop, licence });
  const { state, metadata } = imported;
  await atomicWrite(out, safetensorsPieces(state, metadata));
  if (json) printJson({ files, format: checkpoint.format, ...described(imported), out });
  else for (const line of told(imported, { files, format: checkpoint.format, out })) print(line);
}

async function writeOfficial(
  files: readonly string[],
  overrides: readonly string[],
  flags: ImportFlags,
): Promise<void> {
  const [file, ...others] = files;
  const over = [...others, ...overrides];
  if (over.length > 0)
    throw new PspnetError("usage", `import: --to torch expects weights of ours alone, found ${over[0]} too`);
  const out = flags.out ?? beside(file, ".pth");
  await refuseOverInput(out, [file]);
  const { description, state: ours } = await readWeights(file);
  const { state, departures } = officialState(description, ours, { source: `${file}: --to torch` });
  await atomicWrite(out, torchPieces(state));
  if (flags.json) return printJson({ files, tensors: [...state.keys()], departures, out });
  for (const { key, values } of departures)
    messages.write(
      `not in the official release: ${key}=${JSON.stringify(values[0])}; it has ${JSON.stringify(values[1])}\n`,
    );
  print(`${out}: ${counted(state.size, "tensor")} by the names of the official release`);
}

/** The list's names; `classesOf` takes a preset, a file or names. */
async function classList(text: string): Promise<ClassList> {
  const classes = text.includes(",") ? text.split(",") : text;
  return (await classesOf({ root: ".", classes })).classes;
}

/** The file's name with another ending; never the file itself. */
function beside(file: string, ending: string): string {
  const plain = join(dirname(file), basename(file, extname(file)));
  return plain + ending === file ? `${plain}.imported${ending}` : plain + ending;
}

function described({ family, config, description, assumed, tensors }: Imported) {
  const { name, title } = family;
  return {
    family: { name, title },
    config,
    classes: description?.classes ?? null,
    crop: description?.crop ?? null,
    assumed,
    tensors,
  };
}

interface Place {
  readonly files: readonly string[];
  readonly format: string;
  readonly out: string;
}

function* told(imported: Imported, { files, format, out }: Place): Generator<string> {
  const { family, description, assumed, tensors, config } = imported;
  yield `${files.join(", ")}: ${format}, ${counted(tensors.length, "tensor")}`;
  yield `family: ${family.name}, ${family.title}`;
  yield `network: ${departures(config) || "the official release's"}`;
  if (description) {
    const { names } = description.classes;
    yield `classes: ${names.length}, ${names.length > 4 ? `${names.slice(0, 3).join(", ")}, ...` : names.join(", ")}`;
    yield `crop: ${description.crop}`;
  }
  if (family.guesses) yield* takenFor(imported);
  for (const { key, value, why } of assumed) yield `assumed: ${key}=${JSON.stringify(value)}: ${why}`;
  if (family.guesses) yield "what is assumed otherwise than it was trained gives wrong classes: key=value says so";
  yield `tensors: ${fates(imported)}`;
  yield out;
}

/** Which modules of the file stand for which of the network: `taken for layer1: encoder.res2, 3 blocks`. */
function* takenFor({ tensors }: Imported): Generator<string> {
  const modules = new Map<string, string[]>();
  for (const { name, to } of tensors) {
    if (to === null) continue;
    const module = /^(layer\d|ppm|cls|aux)/.exec(to)![0];
    modules.set(module, [...(modules.get(module) ?? []), name]);
  }
  for (const [module, names] of modules)
    yield `taken for ${module}: ${names[0]} to ${names[names.length - 1]}, ${counted(names.length, "tensor")}`;
}

/** The keys of a network that differ from the official release's PSPNet-50. */
function departures(config: PSPNetConfig): string {
  const parts = Object.keys(PARTS) as PartName[];
  const found = differences([config, pspnetConfig({ classes: config.classes })], parts);
  return found.map(({ key, values: [value] }) => `${key}=${JSON.stringify(value)}`).join(" ");
}

/** `312 renamed, 58 dropped (counts batches)` */
function fates({ tensors }: Imported): string {
  const counts = new Map<string, number>();
  for (const { fate, because } of tensors) {
    const label = because === null ? fate : `${fate} (${because})`;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].map(([label, count]) => `${count} ${label}`).join(", ");
}
