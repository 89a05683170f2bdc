import process from "node:process";
import type { ThreadPort } from "@pspnet/core/threads";

/** In a process that a `Subprocess` started: the way to the one that asks. What is said to one that is gone is lost. */
export function parentProcess(): ThreadPort {
  return {
    post: (message) => {
      if (process.connected) process.send!(message);
    },
    listen: (receive) => process.on("message", receive),
    close: () => process.disconnect(),
  };
}
