/** Files that are read together, as a user would give them: most often one. */
export type Input = readonly InputFile[];

export interface InputFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}
