import { createHash } from "node:crypto";
import { PspnetError } from "@pspnet/core";
import { sumNumbers, type World } from "./world.js";

/**
 * Has all ranks see that each has the same of what they must share.
 *
 * @param things what each must be, by its name.
 * @param command whose ranks they are, for messages.
 * @throws PspnetError "config" on every rank where one differs, which is named.
 */
export async function agreeOn(
  world: World,
  things: Readonly<Record<string, unknown>>,
  { command }: { readonly command: string },
): Promise<void> {
  if (world.size === 1) return;
  for (const [what, own] of Object.entries(things)) {
    const all = new Float64Array(world.size);
    all[world.rank] = digest(own);
    await sumNumbers(world, all);
    const others = Array.from(all.keys()).filter((rank) => all[rank] !== all[0]);
    if (others.length === 0) continue;
    throw new PspnetError(
      "config",
      `${command}: expected one ${what} on all ranks, but that of rank ${others.join(", ")} is not rank 0's; start all with the same`,
    );
  }
}

/** 48 bits, which a double holds. */
const digest = (value: unknown): number => createHash("sha256").update(JSON.stringify(value)).digest().readUIntBE(0, 6);
