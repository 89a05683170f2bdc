import { freemem } from "node:os";
import process from "node:process";

/** Bytes that this process can still take: of the machine's memory, or of what a container allows it. */
export function availableMemory(): number {
  // Node 20.13 and later.
  const available = (process as { availableMemory?: () => number }).availableMemory;
  return available?.() ?? freemem();
}
