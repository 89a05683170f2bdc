/** What the environment says of pulling weights: where they are kept, and how the network is reached. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { PspnetError } from "@pspnet/core";

type Environment = Readonly<Record<string, string | undefined>>;

/** `PSPNET_HOME`, else `pspnet` in `XDG_CACHE_HOME`, else in `~/.cache`. */
export function pullFolder(env: Environment = process.env): string {
  if (env.PSPNET_HOME) return resolve(env.PSPNET_HOME);
  return join(env.XDG_CACHE_HOME ? resolve(env.XDG_CACHE_HOME) : join(homedir(), ".cache"), "pspnet");
}

/** Whether `PSPNET_OFFLINE` forbids the network. */
export function isOffline(env: Environment = process.env): boolean {
  return !["", "0", "false", undefined].includes(env.PSPNET_OFFLINE?.toLowerCase());
}

/**
 * The proxy that leads to `url`, or null: `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` in small or capital letters, unless `NO_PROXY`
 * names the host, a domain above it, or `*`.
 *
 * @throws PspnetError "environment" for a proxy of another kind than http and https.
 */
export function proxyFor(url: URL, env: Environment = process.env): URL | null {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || "";
  const [found, variable] = [`${url.protocol.slice(0, -1)}_proxy`, "all_proxy"]
    .map((name) => [read(name), name.toUpperCase()])
    .find(([value]) => value !== "") ?? ["", ""];
  if (found === "" || excepts(read("no_proxy"), url)) return null;
  const address = found.includes("://") ? found : `http://${found}`;
  if (URL.canParse(address) && /^https?:/.test(address)) return new URL(address);
  const kind = address.slice(0, address.indexOf("://") + 3);
  throw new PspnetError(
    "environment",
    `${variable}: expected the address of an http or https proxy, found one of ${kind}`,
  );
}

/** Whether a list of hosts, each perhaps with a port, has that of `url`. */
function excepts(list: string, { hostname, port, protocol }: URL): boolean {
  const ownPort = port || (protocol === "https:" ? "443" : "80");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      const [, host, onlyPort] = /^(.+?)(?::(\d+))?$/.exec(entry) as unknown as [string, string, string | undefined];
      if (onlyPort !== undefined && onlyPort !== ownPort) return false;
      const domain = host.replace(/^\*?\./, "");
      return host === "*" || hostname === domain || hostname.endsWith(`.${domain}`);
    });
}
