/** A duration such as `90s`, `45m` or `1.5h`. */
export const DURATION = /^\d+(\.\d+)?[smh]$/;

const SECONDS = { s: 1, m: 60, h: 3600 } as const;

/** Seconds of a {@link DURATION}. */
export function seconds(duration: string): number {
  return Number(duration.slice(0, -1)) * SECONDS[duration.slice(-1) as keyof typeof SECONDS];
}
