/** Writes the colours of RGBA pixels into `rgb` from pixel `first` on; what is transparent keeps its colour. */
export function withoutAlpha(rgba: ArrayLike<number>, rgb: Uint8Array, first = 0): void {
  for (let from = 0, to = 3 * first; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
}
