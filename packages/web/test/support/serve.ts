import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".png": "image/png",
};

/** Threads of WebAssembly need it. */
export const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Server {
  /** Ends with a slash. */
  readonly origin: string;
  /** Files beside those of the folder, by their path; may be changed. */
  readonly files: Map<string, ServedFile>;
  /** Methods and paths of what was asked for. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Serves a folder's files on loopback. */
export async function serve(folder: string, headers: Readonly<Record<string, string>>): Promise<Server> {
  const files = new Map<string, ServedFile>();
  const requests: string[] = [];
  const server = createServer(async ({ url, method }, response) => {
    const path = normalize(new URL(url!, "http://localhost").pathname).replace(/\/$/, "/index.html");
    requests.push(`${method} ${path}`);
    try {
      const file: ServedFile = files.get(path) ?? { bytes: await readFile(join(folder, path)) };
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      const length = String(file.bytes.length);
      response.writeHead(200, { "content-type": type, "content-length": length, ...headers, ...file.headers });
      response.end(method === "HEAD" ? undefined : file.bytes);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files,
    requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
