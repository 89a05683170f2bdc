import type { RgbImage } from "@pspnet/core";

/** A picture, such as an overlay, as a canvas takes it: opaque. */
export function toImageData({ width, height, data }: RgbImage): ImageData {
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    image.data[to] = data[from];
    image.data[to + 1] = data[from + 1];
    image.data[to + 2] = data[from + 2];
    image.data[to + 3] = 255;
  }
  return image;
}
