import type { State, StateTensor } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { type PSPNetConfig, pspnetConfig } from "../model/config.js";
import { inParts } from "../model/flatFields.js";
import { type GivenParts, partOf } from "../model/parts.js";
import { PSPNet } from "../model/pspnet.js";
import type { Parameter } from "../nn/parameter.js";
import { misfits } from "../nn/state.js";
import { isConstant, isExported, unfoldedName, withFoldedNorms } from "./exported.js";
import type { Family, Fate, ForeignCheckpoint, ForeignNetwork } from "./family.js";
import { plainNames } from "./plainNames.js";

/** What a family makes of a checkpoint. */
export interface Fit {
  readonly family: Family;
  readonly fates: ReadonlyMap<string, Fate>;
  /** Names that it has not. */
  readonly unknown: readonly string[];
  /** Null when it sees no network of its own. */
  readonly network: ForeignNetwork | null;
  readonly config: PSPNetConfig | null;
  /** The tensors under our names. */
  readonly state: State;
  /** Why network and tensors do not fit, a line each. */
  readonly problems: readonly string[];
}

/** What becomes of an optimiser's state. */
export const BESIDE: Fate = { drop: "stands beside the network's weights" };

/** Of a backbone alone: heads have some number of classes. */
const ANY_CLASSES = 2;

/**
 * Reads a checkpoint as one of the family's.
 *
 * @param given Fields of the network that are known otherwise, over what the family says: parts, or flat.
 */
export function fit(family: Family, checkpoint: ForeignCheckpoint, given: unknown = {}): Fit {
  const { fates, unknown, all } = fatesOf(family, checkpoint);
  const { state, problems } = renamed(checkpoint.state, fates);
  let found: Fit = { family, fates, unknown, state, network: null, config: null, problems };
  try {
    const network = family.network(state, checkpoint, all);
    if (network === null) return { ...found, problems: [...problems, "the tensors make no network of that family"] };
    found = { ...found, network };
    const config = configOf(network, given);
    const parameters = parametersOf(config, network);
    const added = new Map([...state, ...(network.added ?? [])]);
    const whole = isExported(checkpoint) ? withFoldedNorms(added, parameters, config.norm.eps) : added;
    return { ...found, config, state: whole, problems: [...problems, ...misfits(parameters, whole)] };
  } catch (error) {
    if (!(error instanceof PspnetError)) throw error;
    return { ...found, problems: [...problems, ...error.message.split("\n")] };
  }
}

export function fits({ unknown, problems }: Fit): boolean {
  return unknown.length === 0 && problems.length === 0;
}

/** The fit of the first family that the checkpoint is one of, or of the nearest. */
export function nearestFit(families: readonly Family[], checkpoint: ForeignCheckpoint, given: unknown): Fit {
  const all: Fit[] = [];
  for (const family of families) {
    const found = fit(family, checkpoint, given);
    if (fits(found)) return found;
    all.push(found);
  }
  return all.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}

/** Names that are not known count first, then what does not fit. */
function distance({ unknown, problems, network }: Fit): number {
  const misfit = network === null ? 1 : 1 - 1 / (1 + problems.length);
  return unknown.length + misfit;
}

function configOf({ fields, classes }: ForeignNetwork, given: unknown): PSPNetConfig {
  return pspnetConfig({ ...(inParts(given, fields) as GivenParts), classes: classes ?? ANY_CLASSES });
}

function parametersOf(config: PSPNetConfig, { classes }: ForeignNetwork): ReadonlyMap<string, Parameter> {
  const all = new PSPNet(config).stateDict();
  return classes === null ? new Map([...all].filter(([name]) => partOf(name) === "backbone")) : all;
}

/** `all` are the tensors by their names below wrappers. */
function fatesOf(family: Family, checkpoint: ForeignCheckpoint): Pick<Fit, "fates" | "unknown"> & { all: State } {
  const { state } = checkpoint;
  const exported = isExported(checkpoint);
  const fates = new Map<string, Fate>();
  const unknown: string[] = [];
  const originals = [...plainNames(state.keys())].map(([name, plain]) => {
    const original = exported && plain !== null ? unfoldedName(plain) : plain;
    return [name, original] as const;
  });
  const all = new Map(
    originals.flatMap(([name, original]) => (original === null ? [] : [[original, state.get(name)!]])),
  );
  for (const [name, original] of originals) {
    const fate = fateOf(family, original, state.get(name)!, all);
    if (fate !== null) fates.set(name, fate);
    else if (exported && isConstant(name)) fates.set(name, { drop: "is a constant of the graph" });
    else unknown.push(name);
  }
  return { fates, unknown, all };
}

function fateOf(family: Family, name: string | null, tensor: StateTensor, all: State): Fate | null {
  if (name === null) return BESIDE;
  if (name.endsWith("num_batches_tracked")) return { drop: "counts batches, on which nothing here depends" };
  return family.fate(name, tensor, all);
}

function renamed(state: State, fates: ReadonlyMap<string, Fate>) {
  const found = new Map<string, StateTensor>();
  const problems: string[] = [];
  for (const [name, fate] of fates) {
    if ("drop" in fate) continue;
    if (found.has(fate.name)) problems.push(`${name}: stands for ${fate.name}, as another tensor does`);
    const tensor = state.get(name)!;
    found.set(fate.name, fate.change ? fate.change.apply(tensor) : tensor);
  }
  return { state: found, problems };
}
