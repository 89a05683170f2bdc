import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** What handlers know beside the request. */
export interface ServerEnvironment {
  readonly Bindings: Partial<HttpBindings>;
  readonly Variables: {
    /** The network that was asked. */
    readonly model: string;
  };
}

export type ServerContext = Context<ServerEnvironment>;

/** The address that the request comes from. */
export function addressOf(c: ServerContext): string {
  return c.env?.incoming?.socket.remoteAddress ?? "unknown";
}
