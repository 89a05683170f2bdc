import type { ClassList } from "../image/classes.js";
import type { Image, LabelMap, RgbImage } from "../image/image.js";
import { type ClassArea, classAreas, colourise, overlay } from "../image/paint.js";

/** What a network found in a photograph. Areas and pictures are made when they are first asked for. */
export class Segmentation {
  #areas: readonly ClassArea[] | undefined;
  #colour: RgbImage | undefined;
  #overlay: RgbImage | undefined;

  constructor(
    /** As it was looked at. */
    readonly image: Image,
    /** The class of each pixel. */
    readonly labels: LabelMap,
    /** What the labels mean. */
    readonly classes: ClassList,
  ) {}

  /** The classes found, largest first, with their pixels and share. */
  get areas(): readonly ClassArea[] {
    this.#areas ??= classAreas(this.labels, this.classes.names);
    return this.#areas;
  }

  /** Each pixel in its class's colour. */
  get colour(): RgbImage {
    this.#colour ??= colourise(this.labels, this.classes.palette);
    return this.#colour;
  }

  /** The image, half tinted by its classes. */
  get overlay(): RgbImage {
    this.#overlay ??= overlay(this.image, this.labels, this.classes);
    return this.#overlay;
  }
}
