/** Extensions of the images that can be decoded. */
export const IMAGE_EXTENSIONS: readonly string[] = ["jpg", "jpeg", "png", "webp", "avif", "tif", "tiff", "gif"];

/** Whether a file is an image by its name, in upper or lower case. */
export function isImageFile(name: string): boolean {
  return IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(`.${extension}`));
}
