import { PspnetError } from "@pspnet/core";
import { Agent, type Dispatcher, ProxyAgent, request } from "undici";
import { proxyFor } from "./pullEnvironment.js";

export interface OpenOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** How long the server may say nothing, milliseconds. */
  readonly patience: number;
  /** What leads to each address on the way, asked again after a redirect; the environment's proxy, or straight there, unless it is given. */
  readonly dispatcherFor?: (url: URL) => Dispatcher | Promise<Dispatcher>;
}

/** An answer whose body has not been read. Disposing it lets go of the connection. */
export interface OpenedUrl extends AsyncDisposable {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;

/**
 * The answer to GET, through the environment's proxy, and after redirects: five at most, and none from https to http.
 *
 * @throws PspnetError "environment" for a redirect that is not followed, an error of undici or the system for a server that is not reached.
 */
export async function openUrl(address: string, options: OpenOptions): Promise<OpenedUrl> {
  let url = new URL(address);
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const opened = await openOnce(url, options);
    const { location } = opened.headers;
    if (!REDIRECTS.has(opened.status) || location === undefined) return opened;
    await opened[Symbol.asyncDispose]();
    url = redirected(url, location);
  }
  throw refused(address, `more than ${MAX_REDIRECTS} redirects, the last to ${url}`);
}

function redirected(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw refused(from, `a redirect to ${JSON.stringify(location)}`);
  const to = new URL(location, from.href);
  const downgraded = from.protocol === "https:" && to.protocol !== "https:";
  if (downgraded || !/^https?:$/.test(to.protocol)) throw refused(from, `a redirect to ${to}, which is not followed`);
  return to;
}

function refused(address: string | URL, found: string): PspnetError {
  return new PspnetError("environment", `${address}: expected the file, found ${found}`);
}

function byProxy(url: URL): Dispatcher {
  const proxy = proxyFor(url);
  return proxy ? new ProxyAgent({ uri: proxy.href, proxyTunnel: false }) : new Agent();
}

async function openOnce(url: URL, options: OpenOptions): Promise<OpenedUrl> {
  const { headers, signal, patience, dispatcherFor = byProxy } = options;
  const dispatcher = await dispatcherFor(url);
  const dispose = () => dispatcher.destroy();
  try {
    const times = { headersTimeout: patience, bodyTimeout: patience };
    const { statusCode, headers: found, body } = await request(url, { dispatcher, headers, signal, ...times });
    // Whoever reads the body is told; where nobody does, a broken connection is no matter.
    body.on("error", () => {});
    const one = Object.entries(found).map(([name, value]) => [name, Array.isArray(value) ? value.at(-1) : value]);
    return { status: statusCode, headers: Object.fromEntries(one), body, [Symbol.asyncDispose]: dispose };
  } catch (cause) {
    await dispose();
    throw cause;
  }
}
