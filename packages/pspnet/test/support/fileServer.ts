import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Tls {
  readonly key: Uint8Array;
  readonly cert: Uint8Array;
}

/** Serves files as object stores do: with ETag, length, ranges and If-Range. */
export class FileServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly files = new Map<string, { readonly bytes: Uint8Array; readonly etag: string }>();
  /** Requests so far. */
  readonly asked: { readonly url: string; readonly range?: string; readonly host?: string }[] = [];
  /** What the next requests are answered with, in place of files. */
  readonly next: Answer[] = [];
  /** Targets of CONNECT, and where all of them lead; null: refused. */
  readonly tunnels: string[] = [];
  tunnelTo: number | null = null;

  private constructor(tls: Tls | null) {
    const listener: RequestListener = (request, response) => this.#answer(request, response);
    this.#server = tls
      ? (createTlsServer({ key: Buffer.from(tls.key), cert: Buffer.from(tls.cert) }, listener) as Server)
      : createServer(listener);
    this.#server.on("connection", (socket) => this.#sockets.add(socket.on("error", () => {})));
    this.#server.on("connect", (request, client: Socket) => this.#connect(request.url ?? "", client));
  }

  static async start(tls: Tls | null = null): Promise<FileServer> {
    const server = new FileServer(tls);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect(target: string, client: Socket): void {
    this.tunnels.push(target);
    if (this.tunnelTo === null) {
      client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const server = connect(this.tunnelTo, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) this.#sockets.add(socket.on("error", () => {}));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = "", headers } = request;
    this.asked.push({ url, range: headers.range, host: headers.host });
    const other = this.next.shift();
    if (other) other(request, response);
    else serve(this.files.get(url), request, response);
  }
}

function serve(
  file: { bytes: Uint8Array; etag: string } | undefined,
  { headers }: IncomingMessage,
  response: ServerResponse,
): void {
  if (!file) {
    response.writeHead(404).end("no such file");
    return;
  }
  const { bytes, etag } = file;
  const size = bytes.byteLength;
  const from = headers.range && headers["if-range"] === etag ? Number(/^bytes=(\d+)-$/.exec(headers.range)![1]) : 0;
  if (from >= size) response.writeHead(416, { "content-range": `bytes */${size}` }).end();
  else {
    const range = from > 0 ? { "content-range": `bytes ${from}-${size - 1}/${size}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { etag, "content-length": size - from, ...range });
    response.end(bytes.subarray(from));
  }
}

/** Sends the first bytes of a file and, when they are there, cuts the connection. */
export function cutAfter(bytes: Uint8Array, count: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => {
    response.writeHead(200, { "content-length": bytes.byteLength, ...headers });
    response.write(bytes.subarray(0, count));
    setTimeout(() => response.destroy(), 50);
  };
}
