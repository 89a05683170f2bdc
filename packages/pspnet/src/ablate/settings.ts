import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { PspnetError, unknownKey } from "@pspnet/core";
import { z } from "zod";
import { expected } from "../config/inWords.js";
import { completeConfig, givenKeys } from "../config/load.js";
import { parseBy } from "../config/parseBy.js";
import { type TrainConfig, trainConfigSchema } from "../config/schema.js";
import { merge, parseOverrides, type Tree, valueAt } from "../config/tree.js";
import { notAShare, parseShare, type Share } from "../ranks/share.js";
import { SCALES, type Scale, type ScaleName, type StudyDepth } from "./scales.js";

const scaleNames = Object.keys(SCALES) as ScaleName[];

const shareSchema = z
  .string({ error: expected("i/n, such as 1/2") })
  .refine((text) => notAShare(text) === null, { error: (issue) => expected(notAShare(String(issue.input))!)(issue) })
  .transform(parseShare);

/** What a study is told beside the keys of its trainings. */
const studySchema = z.strictObject({
  scale: z.enum(scaleNames),
  seeds: z.int().min(1).max(1000).default(3),
  shard: shareSchema.default({ number: 1, of: 1 }),
  jobs: z.int().min(1).max(256).optional(),
  out: z
    .string({ error: expected("a folder") })
    .regex(/\S/, { error: expected("a folder") })
    .optional(),
  depths: z.array(z.int()).min(1).optional(),
});

/** What each row decides, or the study itself. */
const DECIDED = ["name", "runs", "resume", "time", "auxWeight", "model.pyramid", "model.backbone.layers"];

export interface Settings {
  readonly scaleName: ScaleName;
  readonly scale: Scale;
  /** Where the study is. */
  readonly folder: string;
  readonly seeds: number;
  readonly shard: Share;
  readonly jobs: number;
  readonly depths: readonly StudyDepth[];
  /** What all runs share; its seed is the first one's. */
  readonly base: TrainConfig;
  /** Whether the dataset is the scale's own, which the study makes. */
  readonly made: boolean;
}

/**
 * The study that the command line's `key=value` words describe.
 *
 * @param folder that relative paths start from.
 * @throws PspnetError "config" or "usage" naming the key, what was expected, and the nearest known key.
 */
export function parseSettings(words: readonly string[], folder: string): Settings {
  const tree = parseOverrides(words, "ablate");
  const own = new Set(Object.keys(studySchema.shape));
  const known = [...own, ...Object.keys(trainConfigSchema.shape)];
  const stranger = Object.keys(tree).find((key) => !known.includes(key));
  if (stranger !== undefined) throw new PspnetError("config", `command line: ${unknownKey(stranger, known)}`);
  const said = Object.fromEntries(Object.entries(tree).filter(([key]) => own.has(key)));
  const study = parseBy(studySchema, said, { source: () => "command line", code: "config" });
  const scale: Scale = SCALES[study.scale];
  const out = resolve(folder, study.out ?? join("runs", `ablate-${study.scale}`));
  const ofTraining = words.filter((word) => !own.has(word.split(/[.=]/)[0]));
  const given = givenKeys(ofTraining, folder);
  refuseDecided(given);
  const made = scale.scenes !== null && valueAt(given, ["data", "root"]) === undefined;
  const data = made ? { data: { root: join(out, "scenes") } } : { data: {} };
  const base = completeConfig(merge(data, scale.base), given, `scale=${study.scale}`);
  return {
    scaleName: study.scale,
    scale,
    folder: out,
    seeds: study.seeds,
    shard: study.shard,
    jobs: study.jobs ?? jobsOf(scale, base),
    depths: depthsOf(scale, study.depths),
    base,
    made,
  };
}

function refuseDecided(given: Tree): void {
  const found = DECIDED.find((key) => valueAt(given, key.split(".")) !== undefined);
  if (found === undefined) return;
  const mend = found === "model.backbone.layers" ? "choose by depths=[...]" : "leave it out";
  throw new PspnetError("config", `command line: ${found}: expected a key that no row or run decides; ${mend}`);
}

function depthsOf({ depths }: Scale, wanted: readonly number[] | undefined): readonly StudyDepth[] {
  if (wanted === undefined) return depths;
  const known = depths.map(({ layers }) => layers);
  const chosen = depths.filter(({ layers }) => wanted.includes(layers));
  if (chosen.length === wanted.length) return chosen;
  throw new PspnetError("config", `command line: depths: expected some of [${known}], found [${wanted}]`);
}

function jobsOf({ jobs }: Scale, { threads }: TrainConfig): number {
  return jobs === 1 || threads === 0 ? 1 : Math.max(1, Math.floor(availableParallelism() / threads));
}
