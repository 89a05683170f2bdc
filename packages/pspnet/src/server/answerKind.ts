import { Problem } from "./problem.js";

/** What a segmentation is answered with, by its media type. `*` alone means the first of JSON and of PNG. */
export const ANSWER_KINDS = {
  json: { type: "application/json", shows: "areas, and the labels as runs of pixels" },
  labels: { type: "image/png", shows: "the class of each pixel, in its colour (palette PNG: index = class)" },
  colour: { type: "image/png; view=colour", shows: "each pixel in its class's colour (RGB)" },
  overlay: { type: "image/png; view=overlay", shows: "the photograph, half tinted by its classes" },
} as const;

export type AnswerKind = keyof typeof ANSWER_KINDS;

/** An entry of an Accept header. */
export interface AcceptEntry {
  readonly type: string;
  readonly params: Readonly<Record<string, string>>;
  readonly q: number;
}

/**
 * What an Accept header wishes most of what there is; JSON where it has no wish.
 *
 * @throws Problem 406 naming what there is.
 */
export function answerKind(accept: readonly AcceptEntry[]): AnswerKind {
  if (accept.length === 0) return "json";
  const wished = accept.filter(({ q }) => q > 0).sort((a, b) => b.q - a.q);
  for (const entry of wished) {
    const kind = kindOf(entry);
    if (kind) return kind;
  }
  const all = Object.values(ANSWER_KINDS).map(({ type }) => type);
  throw new Problem(
    406,
    `Accept: expected one of ${all.join(", ")}, found ${accept.map(({ type }) => type).join(", ")}`,
  );
}

function kindOf({ type, params }: AcceptEntry): AnswerKind | null {
  switch (type.toLowerCase()) {
    case "*/*":
    case "application/*":
    case "application/json":
      return "json";
    case "image/*":
    case "image/png":
      return viewOf(params.view ?? "labels");
    default:
      return null;
  }
}

function viewOf(view: string): AnswerKind | null {
  return view === "labels" || view === "colour" || view === "overlay" ? view : null;
}
