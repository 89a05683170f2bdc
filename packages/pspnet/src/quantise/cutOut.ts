import { channelsOf, cropSize, type Image, type ModelDescription, mixSeed, random } from "@pspnet/core";

/** A part of an image as large as training crops, or as the image has it: at a place that follows from the image's number. */
export function cutOut(image: Image, { crop }: Pick<ModelDescription, "crop">, number: number): Image {
  const most = cropSize(crop);
  const [height, width] = [Math.min(most.height, image.height), Math.min(most.width, image.width)];
  const places = random(mixSeed(number));
  const [top, left] = [image.height - height, image.width - width].map((free) => places.integer(0, free + 1));
  const channels = channelsOf(image);
  const data = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { ...image, height, width, data };
}
