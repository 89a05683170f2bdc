/**
 * `work` on every item, results in the items' order; up to `ahead` items beyond the one that is waited for are worked on.
 * The first failure ends it.
 */
export async function* mapAhead<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  { ahead }: { readonly ahead: number },
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // It may fail long before anybody waits for it.
    result.catch(() => {});
    pending.push(result);
    if (pending.length > ahead) yield await pending.shift()!;
  }
  while (pending.length > 0) yield await pending.shift()!;
}
