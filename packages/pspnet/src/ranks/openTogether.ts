import { together } from "./together.js";
import type { World } from "./world.js";

/** What `open` opens, once all ranks have opened theirs. Where one cannot, none stays open. */
export async function openTogether<R extends AsyncDisposable>(
  world: World,
  open: (signal: AbortSignal) => Promise<R>,
  { signal }: { readonly signal: AbortSignal },
): Promise<R> {
  let opened: R | undefined;
  const work = async (either: AbortSignal) => {
    opened = await open(either);
    return opened;
  };
  try {
    return await together(world, work, { signal });
  } catch (error) {
    await opened?.[Symbol.asyncDispose]();
    throw error;
  }
}
