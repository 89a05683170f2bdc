import { type Image, type ImageSource, Network } from "@pspnet/core";
import { copyPixels } from "@pspnet/core/segment";
import { readImage } from "../data/images.js";
import { refuseUrl } from "../files/refuseUrl.js";
import { boxedFile } from "../pull/boxed.js";
import { type NetworkOptions, openNetwork } from "./openNetwork.js";

/**
 * A network from a weights file that describes itself, ready to segment photographs: on libtorch where its addon is built,
 * else on onnxruntime-node, with the same labels.
 *
 * @param weights path or bytes of a safetensors file made by pspnet, or a name that `pspnet models --pull` lists. Left out, `scenes`: the
 * small network that comes with the packages and knows made scenes.
 * @throws PspnetError "usage" for a file that cannot be read and options that there are not, "format" or "weights" for a file that does
 * not hold a PSPNet, "environment" when there is nothing to run it on, or published weights cannot be
 * fetched.
 * @example
 * const net = await load("best.safetensors"); // `await using` in TypeScript, without what follows
 * try {
 *   const { labels, areas } = await net.segment("photo.jpg");
 * } finally {
 *   await net.dispose();
 * }
 */
export async function load(weights: string | Uint8Array = boxedFile(), options: NetworkOptions = {}): Promise<Network> {
  const { runtime, description, defaults } = await openNetwork(weights, options);
  return new Network(runtime, { description, defaults, decode });
}

/** A photograph: JPEG, PNG, WebP, AVIF, TIFF or GIF, turned upright as its EXIF says; or pixels as they are. */
async function decode(photograph: ImageSource, channels: number): Promise<Image> {
  const options = { orient: true, channels };
  if (typeof photograph === "string") {
    refuseUrl(photograph, "a photograph");
    return readImage(photograph, options);
  }
  if (photograph instanceof Uint8Array) return readImage(Uint8Array.from(photograph), options);
  return copyPixels(photograph, { otherwise: "the path or the bytes (Uint8Array) of a photograph", channels });
}
