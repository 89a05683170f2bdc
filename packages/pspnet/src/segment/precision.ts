/** What a network can be asked to compute in. */
export const PRECISIONS = ["fp32", "bf16"] as const;

export type Precision = (typeof PRECISIONS)[number];
