import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { PspnetError } from "@pspnet/core";
import { Agent, type Dispatcher } from "undici";
import { openUrl } from "../pull/openUrl.js";
import { gather } from "./gather.js";
import { Problem } from "./problem.js";
import { isPublicAddress } from "./publicAddress.js";

export interface FetchPublicOptions {
  /** Bytes. */
  readonly maxBody: number;
  readonly signal: AbortSignal;
  /** The addresses of a host. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly isPublic?: (address: string) => boolean;
}

/** Milliseconds that a server may say nothing. */
const PATIENCE = 10_000;

/**
 * What a URL of the public network gives. Each host on the way, redirects' too, is resolved once, and the address that was looked at
 * is the one that is connected to. No proxy is used.
 *
 * @throws Problem 422 for an address that is not public, and for whatever else gives no file; 413 for one that is too large.
 */
export async function fetchPublic(
  address: string,
  { maxBody, signal, resolve = addressesOf, isPublic = isPublicAddress }: FetchPublicOptions,
): Promise<Uint8Array> {
  const dispatcherFor = async (url: URL): Promise<Dispatcher> => {
    if (url.username !== "" || url.password !== "") throw refused(url.host, "a user's name in it");
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const [connected, ...others] = isIP(host) ? [host] : await resolve(host);
    for (const one of [connected, ...others])
      if (!isPublic(one)) throw refused(url.host, "an address that is not public");
    return to(connected);
  };
  try {
    const headers = { accept: "image/*", "user-agent": "pspnet" };
    await using answer = await openUrl(address, { headers, signal, patience: PATIENCE, dispatcherFor });
    if (answer.status !== 200) throw refused(address, `status ${answer.status}`);
    return await gather(answer.body, { maxBody, declared: answer.headers["content-length"] });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Problem) throw error;
    if (error instanceof PspnetError) throw new Problem(422, error.message);
    throw refused(address, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
  }
}

/** Connects to one address alone, whatever host is asked for: that one's name still goes into the request and the certificate's check. */
function to(address: string): Agent {
  const family = isIP(address);
  return new Agent({
    connect: {
      lookup: (_host, { all }, found) => (all ? found(null, [{ address, family }]) : found(null, address, family)),
    },
  });
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function refused(address: string, found: string): Problem {
  return new Problem(422, `${address}: expected the address of a photograph on the public network, found ${found}`);
}
