/** The nearest whole number, a half to the even one: Python's `round`, cv2's `cvRound`, IEEE 754's default. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
