import { basename, join, relative, resolve, sep } from "node:path";
import { PspnetError, vocPalette } from "@pspnet/core";
import { stringify } from "yaml";
import { counted } from "../../report/counted.js";
import { classesOf } from "../classNames.js";
import type { DataConfig } from "../format.js";
import { colourTable, idTable } from "../ids.js";
import { formatList } from "../listFile.js";
import { countIds, strangeIds } from "./lookAtIds.js";
import type { Preparation, Prepared } from "./preparation.js";
import { PreparedFolder, type Work } from "./preparedFolder.js";

export interface PrepareOptions extends Work {
  /** The dataset. */
  readonly folder: string;
  /** Where lists, masks and the configuration go; left out: `pspnet` in the dataset's folder. */
  readonly out?: string;
  /** Other folders that belong to it, by the name of their flag. */
  readonly also?: Readonly<Record<string, string | undefined>>;
  /** Of the split, where the dataset has none. */
  readonly seed?: number;
  /** What is said of its data, before what is found: of somebody's own folder all, of others what the masks mean. */
  readonly said?: Partial<DataConfig>;
}

export interface Preparedness {
  /** The configuration that trains on it. */
  readonly config: string;
  /** Samples by split. */
  readonly samples: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Turns a dataset as it is published into what training reads: a list file for each split, masks where those that there are cannot be
 * read, and a configuration that says what they mean. Done again it makes what is missing.
 *
 * @throws PspnetError "data" where there is nothing of the dataset, or something else where the results go.
 */
export async function prepare(
  preparation: Preparation,
  { folder: given, out, also = {}, seed = 0, said = {}, ...work }: PrepareOptions,
): Promise<Preparedness> {
  const { name, published = {} } = preparation;
  const folder = resolve(given);
  const place = resolve(out ?? join(folder, "pspnet"));
  const target = await PreparedFolder.open(place, { dataset: name, folder }, work);
  const read = await preparation.read({ folder, also, seed, said, out: target, countIds });
  const found = { ...read, ...meaningOf(said) };
  const samples = Object.fromEntries(Object.entries(found.splits).map(([split, pairs]) => [split, pairs.length]));
  if (Object.values(samples).every((count) => count === 0)) {
    const lines = [`${folder}: expected ${preparation.layout}, found no sample`, ...found.problems.slice(0, 5)];
    throw new PspnetError("data", lines.join("\n"));
  }
  for (const [split, pairs] of Object.entries(found.splits))
    await target.text(`${split}.txt`, formatList(pairs, folder));
  const data = await describe(found, { folder, target });
  const config = `${name}.yaml`;
  const header = `# ${preparation.title}, by \`pspnet data prepare ${name}\`.\n`;
  const { recipe } = preparation;
  const model = found.input && { input: found.input };
  const root = relative(place, folder).split(sep).join("/") || ".";
  await target.text(config, header + stringify({ name, data: { root, ...data }, ...(model && { model }), ...recipe }));
  const kept = target.kept.map(
    (name) => `${join(place, name)} was changed by hand and stays; remove it to have it made`,
  );
  return {
    config: join(place, config),
    samples,
    problems: [...counts(samples, published), ...found.problems, ...(await maskProblems(found, folder))],
    notes: [...found.notes, ...kept],
  };
}

/** What is said of the masks. */
function meaningOf({ classes, ids, ignore }: Partial<DataConfig>): Partial<Prepared> {
  const named = typeof classes === "object" ? { names: classes, palette: vocPalette(classes.length) } : classes;
  return { ...(named && { classes: named }), ...(ids && { ids }), ...(ignore && { ignore }) };
}

/** `data` of the configuration, without the root. */
async function describe(
  { classes, ids, ignore }: Prepared,
  { folder, target }: { readonly folder: string; readonly target: PreparedFolder },
) {
  const below = (file: string) => relative(folder, join(target.path, file)).split(sep).join("/");
  if (typeof classes !== "string") await target.text("classes.json", `${JSON.stringify(classes, null, 2)}\n`);
  return {
    format: "list",
    train: below("train.txt"),
    val: below("val.txt"),
    classes: typeof classes === "string" ? classes : below("classes.json"),
    ...(ids && { ids }),
    ...(ignore && { ignore }),
  };
}

function counts(samples: Readonly<Record<string, number>>, published: NonNullable<Preparation["published"]>): string[] {
  return Object.entries(published).flatMap(([split, expected]) => {
    const right = [expected].flat();
    const found = samples[split] ?? 0;
    if (right.includes(found)) return [];
    return [`${split}: expected ${right.join(" or ")} samples, as published, found ${found}`];
  });
}

/** What in some masks of each split is no class. */
async function maskProblems({ splits, classes: named, ids, ignore }: Prepared, root: string): Promise<string[]> {
  const { classes, colours: palette } =
    typeof named === "string" ? await classesOf({ root, classes: named }) : { classes: named, colours: named.palette };
  const count = classes.names.length;
  const table = { ids: idTable({ count, ids, ignore }), colours: colourTable({ count, palette, ids, ignore }) };
  const problems = await Promise.all(
    Object.values(splits).map((pairs) =>
      strangeIds(
        pairs.flatMap(({ mask }) => mask ?? []),
        table,
      ),
    ),
  );
  return [...new Set(problems.flat())];
}

/** The report as plain text, with the command that trains. */
export function formatPreparedness({ config, samples, problems, notes }: Preparedness, shown: string): string {
  const MOST = 10;
  const found = Object.entries(samples).map(([split, count]) => `${split} ${count}`);
  const more = problems.length > MOST ? [`  and ${problems.length - MOST} more`] : [];
  return [
    `${basename(config, ".yaml")}: ${found.join(", ")}`,
    ...notes,
    ...(problems.length > 0 ? [`${counted(problems.length, "problem")}:`] : []),
    ...problems.slice(0, MOST).map((line) => `  ${line}`),
    ...more,
    "look it over, and train, with",
    `  npx pspnet data check ${shown}`,
    `  npx pspnet train ${shown} init=resnet50.safetensors`,
  ].join("\n");
}
