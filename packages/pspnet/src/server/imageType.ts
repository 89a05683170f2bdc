/** Of a file: how it begins, with `.` for any byte. */
const BEGINNINGS: Readonly<Record<string, readonly string[]>> = {
  "image/jpeg": ["\xff\xd8\xff"],
  "image/png": ["\x89PNG\r\n\x1a\n"],
  "image/gif": ["GIF87a", "GIF89a"],
  "image/webp": ["RIFF....WEBP"],
  "image/avif": ["....ftypavif", "....ftypavis"],
  "image/tiff": ["II*\0", "MM\0*"],
};

export const IMAGE_TYPES: readonly string[] = Object.keys(BEGINNINGS);

/** The media type of a photograph by its first bytes, or null for what is none of those that are decoded. */
export function imageType(bytes: Uint8Array): string | null {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  const begins = (beginning: string) =>
    head.length >= beginning.length && [...beginning].every((byte, i) => byte === "." || byte === head[i]);
  return IMAGE_TYPES.find((type) => BEGINNINGS[type].some(begins)) ?? null;
}
