import {
  IGNORE,
  type Image,
  inputChannels,
  type LabelMap,
  type Normalisation,
  type Random,
  type Size,
} from "@pspnet/core";
import { blur, blurSource } from "./blur.js";
import { type ColourChange, changeColours, drawColourChange } from "./photometric.js";
import {
  type Region,
  rotateImage,
  rotateLabel,
  rotationSource,
  scaledSide,
  scaleImage,
  scaleLabel,
} from "./resample.js";

/** How much a training sample may be changed: the official `tool/train.py`, in its order, and its colours. */
export interface AugmentOptions {
  /** Range of the enlargement, drawn uniformly. */
  readonly scaleMin: number;
  readonly scaleMax: number;
  /** Greatest turn in degrees, either way, of half of the samples; 0: none. */
  readonly rotate: number;
  /** Blur half of the samples. */
  readonly blur: boolean;
  /** Mirror half of the samples. */
  readonly mirror: boolean;
  /** Change the colours: {@link drawColourChange}; not when it is left out. */
  readonly photometric?: boolean;
  readonly crop: Size;
  /** How the network wants its input. */
  readonly input: Normalisation;
}

/** What was drawn for one sample. */
export interface Augmentation {
  readonly scale: number;
  /** Counter-clockwise; 0: not turned. */
  readonly degrees: number;
  readonly blur: boolean;
  readonly mirror: boolean;
  /** Where the crop lies between the first place (0) and the last (1, excluded). */
  readonly left: number;
  readonly top: number;
  readonly colours: ColourChange | null;
}

/** Memory that a crop is written into, for instance its place in a batch. */
export interface CropTarget {
  /** `[h, w, c]` of the crop's size, normalised: (value - 255 mean) / (255 std); the mean beyond the image. */
  readonly image: Float32Array;
  /** `[h, w]`; {@link IGNORE} beyond the image. */
  readonly label: Uint8Array;
}

/** Draws in the same order, colours last, so that one option leaves the others' draws as they are. */
export function drawAugmentation(generator: Random, options: Omit<AugmentOptions, "crop" | "input">): Augmentation {
  const scale = generator.uniform(options.scaleMin, options.scaleMax);
  const turned = generator.next() < 0.5;
  const degrees = generator.uniform(-options.rotate, options.rotate);
  const blurred = generator.next() < 0.5;
  const mirrored = generator.next() < 0.5;
  return {
    scale,
    degrees: turned && options.rotate > 0 ? degrees : 0,
    blur: blurred && options.blur,
    mirror: mirrored && options.mirror,
    left: generator.next(),
    top: generator.next(),
    colours: options.photometric ? drawColourChange(generator) : null,
  };
}

/**
 * Scales, turns, blurs, mirrors, crops, colours and normalises samples. Each stage makes only the part that the crop shows, with the
 * values that it has in the whole image. Keeps its working memory from sample to sample.
 */
export class Augmenter {
  readonly #options: AugmentOptions;
  /** Of the images. */
  readonly #channels: number;
  /** The mean colour, of values from 0 to 255. */
  readonly #fill: Float32Array;
  #images: [Float32Array, Float32Array, Float32Array] = [new Float32Array(0), new Float32Array(0), new Float32Array(0)];
  #labels: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];

  constructor(options: AugmentOptions) {
    this.#options = options;
    this.#channels = inputChannels(options.input);
    this.#fill = Float32Array.from(options.input.mean, (mean) => 255 * mean);
  }

  /** Writes a crop of the sample, drawn with `generator`, into all of `target`. */
  augment(
    { image, label }: { readonly image: Image; readonly label: LabelMap },
    { generator, target }: { readonly generator: Random; readonly target: CropTarget },
  ): void {
    const drawn = drawAugmentation(generator, this.#options);
    const { crop } = this.#options;
    const size = { width: scaledSide(image.width, drawn.scale), height: scaledSide(image.height, drawn.scale) };
    const columns = place(size.width, { crop: crop.width, at: drawn.left });
    const rows = place(size.height, { crop: crop.height, at: drawn.top });
    const shown = {
      x: drawn.mirror ? size.width - columns.start - columns.count : columns.start,
      y: rows.start,
      width: columns.count,
      height: rows.count,
    };
    const pixels = this.#image(image, { drawn, size, shown });
    if (drawn.colours) changeColours(pixels, shown.width * shown.height, drawn.colours);
    const classes = this.#label(label, { drawn, size, shown });
    if (columns.count < crop.width || rows.count < crop.height) {
      target.image.fill(0);
      target.label.fill(IGNORE);
    }
    const where = {
      shown,
      mirror: drawn.mirror,
      stride: crop.width,
      corner: rows.before * crop.width + columns.before,
    };
    this.#write(pixels, { ...where, out: target.image });
    writeLabel(classes, { ...where, out: target.label });
  }

  /** The part `shown` of the scaled, turned and blurred image. */
  #image(image: Image, { drawn, size, shown }: Stage): Float32Array {
    const sharp = drawn.blur ? blurSource(shown, size) : shown;
    const turn = { degrees: drawn.degrees, size };
    const upright = drawn.degrees === 0 ? sharp : rotationSource(sharp, turn);
    let current = this.#floats(0, upright);
    scaleImage(image, { scale: drawn.scale, region: upright, out: current });
    if (drawn.degrees !== 0) {
      const out = this.#floats(1, sharp);
      rotateImage({ turn, source: current, from: upright, region: sharp, out, fill: this.#fill });
      current = out;
    }
    if (!drawn.blur) return current;
    const out = this.#floats(drawn.degrees === 0 ? 1 : 0, shown);
    const scratch = this.#floats(2, sharp);
    blur({ size, channels: this.#channels, source: current, from: sharp, region: shown, scratch, out });
    return out;
  }

  /** The part `shown` of the scaled and turned label. */
  #label(label: LabelMap, { drawn, size, shown }: Stage): Uint8Array {
    const turn = { degrees: drawn.degrees, size };
    const upright = drawn.degrees === 0 ? shown : rotationSource(shown, turn);
    const source = this.#bytes(0, upright);
    scaleLabel(label, { scale: drawn.scale, region: upright, out: source });
    if (drawn.degrees === 0) return source;
    const out = this.#bytes(1, shown);
    rotateLabel({ turn, source, from: upright, region: shown, out });
    return out;
  }

  /** Normalises the part of an image that a crop shows, in the network's order of channels. */
  #write(source: Float32Array, where: Write<Float32Array>): void {
    if (this.#channels === 3) this.#writeRgb(source, where);
    else this.#writeChannels(source, where);
  }

  #writeRgb(source: Float32Array, { shown, mirror, stride, corner, out }: Write<Float32Array>): void {
    const { std, channelOrder } = this.#options.input;
    const { width, height } = shown;
    const step = mirror ? -3 : 3;
    const [meanR, meanG, meanB] = this.#fill;
    const [scaleR, scaleG, scaleB] = std.map((deviation) => 1 / (255 * deviation));
    const [red, blue] = channelOrder === "rgb" ? [0, 2] : [2, 0];
    for (let y = 0; y < height; y++) {
      let from = 3 * (y * width + (mirror ? width - 1 : 0));
      let to = 3 * (corner + y * stride);
      for (let x = 0; x < width; x++, from += step, to += 3) {
        out[to + red] = (source[from] - meanR) * scaleR;
        out[to + 1] = (source[from + 1] - meanG) * scaleG;
        out[to + blue] = (source[from + 2] - meanB) * scaleB;
      }
    }
  }

  #writeChannels(source: Float32Array, { shown, mirror, stride, corner, out }: Write<Float32Array>): void {
    const { width, height } = shown;
    const channels = this.#channels;
    const step = mirror ? -channels : channels;
    const means = this.#fill;
    const scales = this.#options.input.std.map((deviation) => 1 / (255 * deviation));
    for (let y = 0; y < height; y++) {
      let from = channels * (y * width + (mirror ? width - 1 : 0));
      let to = channels * (corner + y * stride);
      for (let x = 0; x < width; x++, from += step, to += channels)
        for (let c = 0; c < channels; c++) out[to + c] = (source[from + c] - means[c]) * scales[c];
    }
  }

  #floats(which: 0 | 1 | 2, { width, height }: Region): Float32Array {
    const length = this.#channels * width * height;
    if (this.#images[which].length < length) this.#images[which] = new Float32Array(length);
    return this.#images[which];
  }

  #bytes(which: 0 | 1, { width, height }: Region): Uint8Array {
    const length = width * height;
    if (this.#labels[which].length < length) this.#labels[which] = new Uint8Array(length);
    return this.#labels[which];
  }
}

interface Stage {
  readonly drawn: Augmentation;
  readonly size: Size;
  readonly shown: Region;
}

/** The image's pixels that a crop shows along one side: `count` from `start`, after `before` pixels of padding. */
function place(
  side: number,
  { crop, at }: { readonly crop: number; readonly at: number },
): { readonly start: number; readonly count: number; readonly before: number } {
  if (side >= crop) return { start: Math.floor(at * (side - crop + 1)), count: crop, before: 0 };
  return { start: 0, count: side, before: Math.floor((crop - side) / 2) };
}

interface Write<T> {
  readonly shown: Region;
  readonly mirror: boolean;
  /** Pixels of a row of `out`. */
  readonly stride: number;
  /** Index of the first pixel written. */
  readonly corner: number;
  readonly out: T;
}

function writeLabel(source: Uint8Array, { shown, mirror, stride, corner, out }: Write<Uint8Array>): void {
  const { width, height } = shown;
  for (let y = 0; y < height; y++) {
    const start = y * width;
    const to = corner + y * stride;
    if (mirror) for (let x = 0; x < width; x++) out[to + x] = source[start + width - 1 - x];
    else for (let x = 0; x < width; x++) out[to + x] = source[start + x];
  }
}
