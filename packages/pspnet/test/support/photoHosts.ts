import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Of what `serve` takes for a public network, and of what it must not reach. */
const [PUBLIC, INSIDE] = ["127.0.0.2", "127.0.0.1"];

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "photos.example": [PUBLIC],
  "redirect.example": [PUBLIC],
  "inside.example": [INSIDE],
  "both.example": [PUBLIC, INSIDE],
};

/** A network of two machines, one of them inside. */
export interface PhotoHosts extends AsyncDisposable {
  readonly port: number;
  /** Requests that got inside. */
  readonly reached: readonly string[];
  /** How often each host was resolved. */
  readonly resolved: ReadonlyMap<string, number>;
  /** For `serve`. */
  resolve(host: string): Promise<readonly string[]>;
  isPublic(address: string): boolean;
}

export async function photoHosts(photograph: Uint8Array): Promise<PhotoHosts> {
  const reached: string[] = [];
  const resolved = new Map<string, number>();
  const inside = createServer(({ url }, response) => {
    reached.push(url ?? "");
    response.end(photograph);
  });
  await listening(inside, 0, INSIDE);
  const { port } = inside.address() as AddressInfo;
  const outside = createServer(outsideOf(photograph, port));
  await listening(outside, port, PUBLIC);
  return {
    port,
    reached,
    resolved,
    resolve: async (host) => {
      const count = (resolved.get(host) ?? 0) + 1;
      resolved.set(host, count);
      // A host that is public when it is looked at, and inside when it is looked up again.
      if (host === "rebind.example") return [count === 1 ? PUBLIC : INSIDE];
      if (ADDRESSES[host]) return ADDRESSES[host];
      if (host === "localhost") return [INSIDE];
      throw Object.assign(new Error(`no host ${host}`), { code: "ENOTFOUND" });
    },
    isPublic: (address) => address === PUBLIC,
    async [Symbol.asyncDispose]() {
      for (const server of [inside, outside]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

const outsideOf =
  (photograph: Uint8Array, port: number): RequestListener =>
  ({ url }, response) => {
    const redirect = (location: string) => response.writeHead(302, { location }).end();
    switch (url) {
      case "/photo.png":
        return response.end(photograph);
      case "/moved":
        return redirect(`http://photos.example:${port}/photo.png`);
      case "/to-inside":
        return redirect(`http://inside.example:${port}/photo.png`);
      case "/to-file":
        return redirect("file:///etc/passwd");
      case "/for-ever":
        return redirect("/for-ever");
      case "/page.html":
        return response.end("<html>");
      case "/large.png":
        return response.end(Buffer.alloc(2_000_001));
      case "/slow.png":
        return response.write("a");
      default:
        return response.writeHead(404).end(photograph);
    }
  };

async function listening(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}
