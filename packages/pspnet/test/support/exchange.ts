import { once } from "node:events";
import { connect } from "node:net";

/** What a server answers, of which only the first is looked at. */
export interface Exchanged {
  /** 0 where the connection ended without an answer. */
  readonly status: number;
  readonly text: string;
}

/** Sends bytes as they are, waiting between them, and reads until the connection ends or an answer is whole. */
export async function exchange(
  base: string,
  pieces: readonly (string | Uint8Array)[],
  { wait = 0 }: { readonly wait?: number } = {},
): Promise<Exchanged> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    text += part;
    if (isWhole(text)) socket.destroy();
  });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect").catch(() => {});
  for (const [i, piece] of pieces.entries()) {
    if (i > 0 && wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (socket.writable) socket.write(piece);
  }
  await closed;
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text };
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end));
  return length !== null && text.length >= end + 4 + Number(length[1]);
}
