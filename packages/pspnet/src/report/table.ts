import type { Scores } from "@pspnet/core";

/** Plain text in aligned columns: the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

export const percent = (share: number): string => (100 * share).toFixed(2);

/** Accuracy and IoU of each class, in per cent; a dash where neither labels nor predictions have the class. */
export function classTable({ classes }: Scores, names: readonly string[]): string {
  const total = classes.reduce((sum, { pixels }) => sum + pixels, 0);
  const rows = classes.map(({ iou, accuracy, pixels, present }, id) => [
    names[id],
    present ? percent(iou) : "-",
    present ? percent(accuracy) : "-",
    percent(pixels / Math.max(total, 1)),
  ]);
  return table(["class", "IoU %", "accuracy %", "pixels %"], rows);
}
