import { isDeepStrictEqual } from "node:util";
import { PspnetError, protocolText } from "@pspnet/core";
import { addUp } from "./addUp.js";
import type { Evaluation, EvaluationPart } from "./evaluation.js";

/** A part, and its file. */
export interface NamedPart {
  readonly name: string;
  readonly part: EvaluationPart;
}

/** Parts that an error names. */
const NAMED = 5;

/** What must be the same in all parts, in the order in which a difference is told, and how it is told. */
const SHARED: readonly (readonly [
  what: string,
  of: (part: EvaluationPart) => unknown,
  told: (part: EvaluationPart) => string,
])[] = [
  ["weights", ({ weights }) => weights.sha256, ({ weights }) => `${weights.file} (SHA-256 ${short(weights.sha256)})`],
  [
    "dataset",
    ({ dataset, names }) => [dataset.sha256, dataset.images, names],
    ({ dataset }) => `${dataset.data} (${dataset.split}, ${dataset.images} images, ${short(dataset.sha256)})`,
  ],
  ["protocol", ({ protocol }) => protocol, ({ protocol }) => protocolText(protocol)],
  ["runtime", ({ runtime }) => runtime, ({ runtime }) => runtime],
  ["number of parts", ({ part }) => part.of, ({ part }) => String(part.of)],
];

/**
 * The evaluation that the parts make up: what one process would have found.
 *
 * @throws PspnetError "usage" naming parts of other evaluations, those that are there twice, and those that are not there.
 */
export function mergeParts(parts: readonly NamedPart[]): Evaluation {
  const [first] = parts;
  for (const other of parts) checkAlike(first, other);
  const byNumber = new Map<number, NamedPart>();
  for (const named of parts) {
    const { number, of } = named.part.part;
    const other = byNumber.get(number);
    if (other)
      throw wrong(
        `expected each part once, found part ${number} of ${of} in ${other.name} and ${named.name}; leave one out`,
      );
    byNumber.set(number, named);
  }
  const { of } = first.part.part;
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((number) => !byNumber.has(number));
  if (missing.length > 0) {
    const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
    const found = `found none of number ${missing.slice(0, NAMED).join(", ")}${more}`;
    throw wrong(
      `expected ${of} parts, ${found}; make them with --shard ${missing[0]}/${of} and so on, or give them too`,
    );
  }
  const { part: _, ...keys }: EvaluationPart = first.part;
  const shares = parts.map(({ part }) => part);
  return { ...keys, ...addUp(keys.names.length, shares) };
}

function checkAlike(first: NamedPart, other: NamedPart): void {
  for (const [what, of, told] of SHARED) {
    if (isDeepStrictEqual(of(first.part), of(other.part))) continue;
    throw wrong(
      `${other.name}: expected the ${what} of ${first.name}, ${told(first.part)}, found ${told(other.part)}; merge parts of one evaluation`,
    );
  }
}

const short = (digest: string) => digest.slice(0, 12);

function wrong(message: string): PspnetError {
  return new PspnetError("usage", `val: ${message}`);
}
