/** Extensions of films. Not `ts`: folders of TypeScript hold many, and films are rarely called so. */
export const FILM_EXTENSIONS: readonly string[] = [
  ...["mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "mts", "m2ts", "3gp", "wmv", "flv", "ogv"],
];

/** Whether a file is a film by its name, in upper or lower case. */
export function isFilmFile(name: string): boolean {
  return FILM_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(`.${extension}`));
}
