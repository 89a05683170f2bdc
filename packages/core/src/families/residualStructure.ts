/** A residual network among convolutions that say nothing but their shapes. */
import type { Convolution } from "./convolutions.js";

/** The convolutions of a block in the order of its computation, and that of its shortcut. */
export interface FoundBlock {
  readonly path: readonly Convolution[];
  readonly shortcut: Convolution | null;
}

export interface FoundResNet {
  /** One convolution of 7x7, or three of 3x3. */
  readonly stem: readonly Convolution[];
  readonly stages: readonly (readonly FoundBlock[])[];
}

/** Outputs of a bottleneck's last convolution over those of its first: 4, and less in ResNeXt and wide ResNets. */
const EXPANSIONS = [4, 2, 1];

/** The residual network of the first convolution that looks at three channels; else what was looked for in vain. */
export function residualStructure(convolutions: readonly Convolution[]): FoundResNet | string {
  const start = convolutions.findIndex(({ inputs }) => inputs === 3);
  if (start < 0) return "no convolution looks at the three channels of an image";
  const stem = stemAt(convolutions, start);
  if (stem === null) {
    const { path, outputs, kernel } = convolutions[start];
    return `${path}: expected a stem of one 7x7 or three 3x3 convolutions, found [${outputs},3,${kernel},${kernel}]`;
  }
  // Sorted by name, a stem may stand behind the stages.
  const others = [...convolutions.slice(start + stem.length), ...convolutions.slice(0, start)];
  const stages: FoundBlock[][] = [];
  let channels = stem[stem.length - 1].outputs;
  let planes = 0;
  for (let at = 0; at < others.length; ) {
    const block = blockAt(others, at, channels);
    const wanted = block !== null && (planes === 0 || [planes, 2 * planes].includes(block.path[0].outputs));
    if (!wanted) {
      at++;
      continue;
    }
    if (block.path[0].outputs !== planes) stages.push([]);
    stages[stages.length - 1].push(block);
    planes = block.path[0].outputs;
    channels = outputsOf(block);
    at += block.path.length + (block.shortcut ? 1 : 0);
  }
  if (stages.length > 1) return { stem, stages };
  return `${stem[0].path}: expected residual blocks of 1x1, 3x3 and 1x1 or of two 3x3 convolutions behind the stem`;
}

/** Channels behind a block. */
export function outputsOf({ path }: FoundBlock): number {
  return path[path.length - 1].outputs;
}

function stemAt(convolutions: readonly Convolution[], start: number): Convolution[] | null {
  const [first, second, third] = convolutions.slice(start, start + 3);
  if (first.kernel === 7) return [first];
  const deep = [first, second, third].every((one) => one?.kernel === 3);
  return deep && second.inputs === first.outputs && third.inputs === second.outputs ? [first, second, third] : null;
}

/** The block that begins at a place and reads so many channels; its shortcut is listed last, or first. */
function blockAt(convolutions: readonly Convolution[], at: number, channels: number): FoundBlock | null {
  for (const length of [3, 2]) {
    const path = pathAt(convolutions, at, { length, channels });
    if (path && path[length - 1].outputs === channels) return { path, shortcut: null };
    if (path && isShortcut(convolutions[at + length], path)) return { path, shortcut: convolutions[at + length] };
    const later = pathAt(convolutions, at + 1, { length, channels });
    if (later && isShortcut(convolutions[at], later)) return { path: later, shortcut: convolutions[at] };
  }
  return null;
}

function pathAt(
  convolutions: readonly Convolution[],
  at: number,
  { length, channels }: { readonly length: number; readonly channels: number },
): Convolution[] | null {
  const path = convolutions.slice(at, at + length);
  if (path.length < length) return null;
  const planes = path[0].outputs;
  const kernels = length === 3 ? [1, 3, 1] : [3, 3];
  const fits = ({ kernel, inputs, outputs, norm }: Convolution, i: number) => {
    const expands = i === 2 && EXPANSIONS.some((expansion) => outputs === expansion * planes);
    const grouped = length === 3 && i === 1 && planes % inputs === 0;
    const reads = inputs === (i === 0 ? channels : planes) || grouped;
    return kernel === kernels[i] && reads && (expands || outputs === planes) && norm !== null;
  };
  return path.every(fits) ? path : null;
}

function isShortcut(one: Convolution | undefined, path: readonly Convolution[]): boolean {
  return one?.kernel === 1 && one.inputs === path[0].inputs && one.outputs === path[path.length - 1].outputs;
}
