/** What bubbliiiing's and yassouali's networks have alike: a branch of pyramid and head, and one beside it. */
import type { Rule } from "./renaming.js";

export const BRANCHES: readonly Rule[] = [
  [/^master_branch\.0\.stages\.(\d)\.([12])\./, "ppm.features.$1.$2."],
  [/^master_branch\.0\.bottleneck\.([01])\./, "cls.$1."],
  [/^master_branch\.1\./, "cls.4."],
  [/^auxiliary_branch\.([014])\./, "aux.$1."],
];
