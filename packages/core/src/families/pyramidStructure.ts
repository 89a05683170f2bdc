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
    const pyramids = byInputs(readers, features);
    for (const convolution of convolutions) {
      const levels = [1, 3].includes(convolution.kernel) && pyramids.get(convolution.inputs);
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

/** Levels of equal width by the inputs of a convolution that reads features and them. */
function byInputs(readers: readonly Convolution[], features: number): ReadonlyMap<number, readonly Convolution[]> {
  const widths = new Map<number, Convolution[]>();
  for (const one of readers) {
    const levels = widths.get(one.outputs);
    if (levels) levels.push(one);
    else widths.set(one.outputs, [one]);
  }
  const several = [...widths].filter(([, levels]) => levels.length > 1);
  return new Map(several.map(([width, levels]) => [features + levels.length * width, levels]));
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
    if (inputs !== features || kernel !== 3 || norm === null) continue;
    const classifier = classifierOf(convolutions, convolution);
    if (classifier?.outputs === classes && classifier.kernel === 1) return { convolution, classifier };
  }
  return null;
}
