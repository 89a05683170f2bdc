import { PspnetError } from "../error.js";
import type { ClassList } from "../image/classes.js";
import type { ModelDescription } from "./modelFile.js";

/**
 * Refuses to score weights on labels that mean something else.
 *
 * @throws PspnetError "weights" when the class names differ in number or order.
 */
export function checkClasses(
  { classes }: ModelDescription,
  dataset: { readonly classes: ClassList },
  file: string,
): void {
  const expected = dataset.classes.names;
  const found = classes.names;
  const at = expected.findIndex((name, id) => name.toLowerCase() !== found[id]?.toLowerCase());
  if (expected.length === found.length && at < 0) return;
  const difference =
    expected.length === found.length
      ? `class ${at} is "${expected[at]}" there and "${found[at]}" here`
      : `${expected.length} classes there, ${found.length} here`;
  throw new PspnetError(
    "weights",
    `${file}: its classes are not those of the dataset: ${difference}; give the dataset that it was trained on`,
  );
}
