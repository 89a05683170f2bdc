/** Pyramid and heads among the convolutions that a backbone leaves over. */
import type { Convolution } from "./convolutions.js";

/** A convolution, and the classifier that reads what it gives. */
export interface FoundHead {
  readonly convolution: Convolution;
  readonly classifier: Convolution;
}

export interface FoundPyramid {
  /** Which of the backbone's stages the pyramid stands on, from 0. */
  readonly stage: number;
  /** 1x1 convolutions of the levels, in order. */
  readonly levels: readonly Convolution[];
  readonly head: FoundHead;
  readonly auxiliary: FoundHead | null;
}

/**
 * The pyramid over the last stage that has one: levels of equal width, and a convolution that reads features and levels
 * together; else what was looked for in vain.
 *
 * @param stages channels behind each stage of the backbone
 */
export function pyramidStructure(
  convolutions: readonly Convolution[],
  stages: readonly number[],
): FoundPyramid | string {
  for (let stage = stages.length - 1; stage >= 1; stage--) {
    const features = stages[stage];
    const readers = convolutions.filter(({ kernel, inputs }) => kernel === 1 && inputs === features);
    for (const convolution of convolutions) {
      const levels = levelsOf(readers, convolution, features);
      if (!levels) continue;
      const others = convolutions.filter((one) => !levels.includes(one));
      const classifier = classifierOf(others, convolution);
      if (!classifier) continue;
      const rest = others.filter((one) => one !== convolution && one !== classifier);
      return {
        stage,
        levels,
        head: { convolution, classifier },
        auxiliary: auxiliaryOf(rest, { features: stages[stage - 1], classes: classifier.outputs }),
      };
    }
  }
  return `expected 1x1 convolutions of ${stages[stages.length - 1]} features, a convolution that reads them all, and a classifier behind it`;
}

/** The levels whose outputs make, with the features, this convolution's inputs. */
function levelsOf(
  readers: readonly Convolution[],
  { kernel, inputs }: Convolution,
  features: number,
): Convolution[] | null {
  if (kernel !== 1 && kernel !== 3) return null;
  for (const width of new Set(readers.map(({ outputs }) => outputs))) {
    const levels = readers.filter(({ outputs }) => outputs === width);
    if (levels.length > 1 && features + levels.length * width === inputs) return levels;
  }
  return null;
}

/** The convolution without batch norm that reads what a head's first gives: the next one, or else any. */
function classifierOf(convolutions: readonly Convolution[], first: Convolution): Convolution | undefined {
  const at = convolutions.indexOf(first) + 1;
  const ordered = [...convolutions.slice(at), ...convolutions.slice(0, at)];
  return ordered.find(
    ({ inputs, kernel, norm }) => inputs === first.outputs && (kernel === 1 || kernel === 3) && norm === null,
  );
}

/** The official release's auxiliary head on the stage before. */
function auxiliaryOf(
  convolutions: readonly Convolution[],
  { features, classes }: { readonly features: number; readonly classes: number },
): FoundHead | null {
  for (const convolution of convolutions) {
    const { inputs, kernel, norm } = convolution;
    const classifier = classifierOf(convolutions, convolution);
    const fits = classifier?.outputs === classes && classifier.kernel === 1;
    if (fits && inputs === features && kernel === 3 && norm !== null) return { convolution, classifier };
  }
  return null;
}
