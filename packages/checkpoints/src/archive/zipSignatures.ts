/** What the records of a zip archive begin with: a file's own header, its entry of the directory, and the directory's end. */
export const LOCAL = 0x0403_4b50;
export const CENTRAL = 0x0201_4b50;
export const END = 0x0605_4b50;
