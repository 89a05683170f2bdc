import { parentPort } from "node:worker_threads";
import type { ThreadPort } from "@pspnet/core/threads";

/** In a thread of Node's: the way to the one that asks. */
export function parentThread(): ThreadPort {
  const port = parentPort!;
  return {
    post: (message) => port.postMessage(message),
    listen: (receive) => port.on("message", receive),
    close: () => port.close(),
  };
}
