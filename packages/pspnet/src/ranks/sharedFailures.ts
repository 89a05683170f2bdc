const shared = new WeakSet<Error>();

/** Says that every rank throws as much, so that one may tell it for all. */
export function onAllRanks<E extends Error>(error: E): E {
  shared.add(error);
  return error;
}

export function isOnAllRanks(error: unknown): boolean {
  return error instanceof Error && shared.has(error);
}
