import type { ExternalPlace, OnnxTensor } from "./proto.js";

export interface ExternalDataOptions {
  /** Name of the file with the weights, beside the model's. */
  readonly location?: string;
  /** Weights of more bytes than this altogether go there. */
  readonly above?: number;
}

/** The file beside a model that holds its larger constants. */
export interface ExternalData {
  /** The name under which the model looks for it in its own folder. */
  readonly location: string;
  /** Its content, to be written one after the other. */
  readonly pieces: readonly Uint8Array[];
}

/** Protocol buffers end at 2 GiB; what is not weights is far below 16 MiB. */
const LARGEST = 2 ** 31 - 2 ** 24;
/** Runtimes map the file into memory by pages. */
const PAGE = 4096;
/** Smaller constants stay, because tools look at them when they load a model: shapes, axes. */
const SMALLEST = 1024;

interface Placed {
  readonly external: ReadonlyMap<string, ExternalPlace>;
  readonly externalData: ExternalData | null;
}

/** Gives constants places in a file of their own, if they are too large together for the model's. */
export function placeOutside(tensors: readonly OnnxTensor[], options: ExternalDataOptions = {}): Placed {
  const { location = "weights.bin", above = LARGEST } = options;
  const external = new Map<string, ExternalPlace>();
  const total = tensors.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (total <= above) return { external, externalData: null };
  const pieces: Uint8Array[] = [];
  let end = 0;
  for (const { name, bytes } of tensors) {
    if (bytes.byteLength < SMALLEST) continue;
    const gap = (PAGE - (end % PAGE)) % PAGE;
    if (gap > 0) pieces.push(new Uint8Array(gap));
    pieces.push(bytes);
    external.set(name, { location, offset: end + gap });
    end += gap + bytes.byteLength;
  }
  return { external, externalData: { location, pieces } };
}
