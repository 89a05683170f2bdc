import type { Field } from "../config/field.js";
import { PARTS, type PartName, type PSPNetParts } from "./parts.js";

/** A field in which two networks differ. */
export interface Difference {
  /** `backbone.strideIn` */
  readonly key: string;
  readonly values: readonly [unknown, unknown];
}

/** Where two networks would compute something else in some parts, were they given the same weights. */
export function differences(networks: readonly [PSPNetParts, PSPNetParts], parts: readonly PartName[]): Difference[] {
  return parts.flatMap((part) => {
    const [a, b] = networks.map((network): Readonly<Record<string, unknown>> => network[part]);
    const kind = PARTS[part].find(({ name }) => name === a.kind);
    const fields = a.kind === b.kind ? Object.entries<Field>(kind?.fields ?? {}) : [];
    const names = fields.filter(([, { trainingOnly }]) => !trainingOnly).map(([name]) => name);
    return ["kind", ...names]
      .filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
      .map((name) => ({ key: `${part}.${name}`, values: [a[name], b[name]] as const }));
  });
}
