import { CLOSE, Problem } from "./problem.js";

export interface GatherOptions {
  /** Bytes. */
  readonly maxBody: number;
  /** The Content-Length, where there is one. */
  readonly declared?: string;
}

/** Of what is too large so many times as much is still read, and not kept: a connection that is closed over unread bytes loses the answer. */
const READ = 4;

/**
 * The bytes of a stream, as far as they are not too many.
 *
 * @throws Problem 413, having kept no more than that.
 */
export async function gather(
  stream: AsyncIterable<Uint8Array>,
  { maxBody, declared }: GatherOptions,
): Promise<Uint8Array> {
  if (Number(declared) > maxBody) throw tooLarge(maxBody, `${declared} bytes`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.byteLength;
    if (length <= maxBody) chunks.push(chunk);
    else chunks.length = 0;
    if (length > READ * maxBody) throw tooLarge(maxBody, "more", CLOSE);
  }
  if (length > maxBody) throw tooLarge(maxBody, `${length} bytes`);
  return Buffer.concat(chunks, length);
}

function tooLarge(maxBody: number, found: string, headers = {}): Problem {
  return new Problem(
    413,
    `body: expected at most ${maxBody} bytes, found ${found}; send a smaller photograph`,
    headers,
  );
}
