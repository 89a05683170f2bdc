export type Rgb = readonly [number, number, number];

/** Names and display colours of the classes, by label id. */
export interface ClassList {
  readonly names: readonly string[];
  readonly palette: readonly Rgb[];
}
