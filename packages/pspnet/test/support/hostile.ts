import { deflateSync } from "node:zlib";
import type { Random } from "pspnet";
import { crc32 } from "../../../checkpoints/src/checksums.js";
import { exchange } from "./exchange.js";

// Requests that mean a server no good, or are broken. Each is answered with a 4xx and costs nobody else anything.

export interface Hostile {
  readonly name: string;
  /** Sends it and gives the status of the answer; `random` varies it. */
  send(target: Target, random: Random): Promise<number>;
}

export interface Target {
  /** Of the server, which takes at most 2,000,000 bytes and waits for less than two seconds for them. */
  readonly base: string;
  /** A good one. */
  readonly photograph: Uint8Array;
  /** Where hosts that end in .example listen. */
  readonly port: number;
}

type Bytes = string | Uint8Array;

const post = async (base: string, body: Bytes, headers: Record<string, string> = {}, query = ""): Promise<number> => {
  const answer = await fetch(`${base}v1/segment${query}`, { method: "POST", body: body, headers });
  await answer.arrayBuffer();
  return answer.status;
};

const get = async (base: string, path: string): Promise<number> =>
  (await exchange(base, [`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`])).status;

const ask = ({ base, port }: Target, url: string) =>
  post(base, JSON.stringify({ url: url.replace(".example/", `.example:${port}/`) }), {
    "content-type": "application/json",
  });

const FORM = "multipart/form-data; boundary=limit";
const part = (name: string, content: Bytes, file = 'filename="a.png"') =>
  Buffer.concat([
    Buffer.from(`--limit\r\nContent-Disposition: form-data; name="${name}"; ${file}\r\n\r\n`),
    Buffer.from(content as string),
    Buffer.from("\r\n"),
  ]);
const form = (...parts: readonly Uint8Array[]) => Buffer.concat([...parts, Buffer.from("--limit--\r\n")]);

/** A grey PNG of that many bits a pixel, all black: its file is small whatever its sides are. */
export function blackPng(width: number, height: number, { bits = 1 } = {}): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(bits, 8);
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil((width * bits) / 8))), { level: 1 });
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    ...[chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))],
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.byteLength);
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

let bomb: Uint8Array | undefined;

const upTo = (random: Random, most: number) => random.integer(0, most);

export const HOSTILE: readonly Hostile[] = [
  {
    name: "a photograph that breaks off",
    send: ({ base, photograph }, random) =>
      post(base, photograph.subarray(0, 20 + upTo(random, photograph.byteLength / 2))),
  },
  {
    name: "a photograph whose bytes are others",
    send: ({ base, photograph }, random) => {
      const broken = Uint8Array.from(photograph);
      for (let i = 40; i < broken.length; i++) if (random.next() < 0.3) broken[i] ^= 1 + upTo(random, 255);
      return post(base, broken);
    },
  },
  {
    name: "a PNG of 20000x20000 in a few kilobytes",
    send: ({ base }) => {
      bomb ??= blackPng(20_000, 20_000);
      return post(base, bomb);
    },
  },
  {
    name: "a PNG that says 2147483647x2147483647",
    send: ({ base }) => {
      const small = Buffer.from(blackPng(8, 8));
      const header = Buffer.alloc(13);
      header.writeUInt32BE(0x7fffffff, 0);
      header.writeUInt32BE(0x7fffffff, 4);
      header.writeUInt8(1, 8);
      return post(base, Buffer.concat([small.subarray(0, 8), chunk("IHDR", header), small.subarray(33)]));
    },
  },
  { name: "nothing", send: ({ base }) => post(base, "") },
  {
    name: "other bytes",
    send: ({ base }, random) =>
      post(
        base,
        Uint8Array.from({ length: 1 + upTo(random, 5000) }, () => upTo(random, 256)),
      ),
  },
  { name: "text that says it is a JPEG", send: ({ base }) => post(base, "hello", { "content-type": "image/jpeg" }) },
  {
    name: "an SVG with an entity that fetches a file",
    send: ({ base }) =>
      post(
        base,
        '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&e;</svg>',
        { "content-type": "image/svg+xml" },
      ),
  },
  {
    name: "the same without its name",
    send: ({ base }) => post(base, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  },
  {
    name: "a GIF that is a script too",
    send: ({ base }) => post(base, "GIF89a/*\x01\x01*/=1;alert(1);//", { "content-type": "image/gif" }),
  },
  {
    name: "a photograph that is a page too",
    send: ({ base, photograph }) =>
      post(base, Buffer.concat([photograph, Buffer.from("<script>alert(1)</script>")]), {
        "content-type": "text/html",
      }),
  },
  {
    name: "a photograph with another type's name",
    send: ({ base, photograph }) => post(base, photograph, { "content-type": "image/webp" }),
  },
  { name: "a form without a limit", send: ({ base }) => post(base, "a", { "content-type": "multipart/form-data" }) },
  {
    name: "a form that breaks off",
    send: ({ base, photograph }, random) => {
      const whole = form(part("image", photograph));
      return post(base, whole.subarray(0, upTo(random, whole.length - 12)), { "content-type": FORM });
    },
  },
  {
    name: "a form without a photograph",
    send: ({ base }) => post(base, form(part("image", "text", ""), part("other", "x")), { "content-type": FORM }),
  },
  {
    name: "a form of two photographs",
    send: ({ base, photograph }) =>
      post(base, form(part("image", photograph), part("image", photograph)), { "content-type": FORM }),
  },
  {
    name: "a form of very many parts",
    send: ({ base }) => post(base, Buffer.concat(Array(20_000).fill(part("a", "1", ""))), { "content-type": FORM }),
  },
  {
    name: "a form whose head has no end",
    send: ({ base }) =>
      post(base, Buffer.from(`--limit\r\nContent-Disposition: ${"a".repeat(100_000)}`), { "content-type": FORM }),
  },
  { name: "more bytes than are taken", send: ({ base }) => post(base, Buffer.alloc(2_000_001)) },
  {
    name: "more bytes than are taken, without saying so",
    send: async ({ base }) => {
      const head = "POST /v1/segment HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
      const piece = Buffer.alloc(500_000);
      const chunked = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
      return (await exchange(base, [head, ...Array(6).fill(chunked)], { wait: 5 })).status;
    },
  },
  {
    name: "a body that does not come",
    send: async ({ base }) =>
      (await exchange(base, ["POST /v1/segment HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", "abc"])).status,
  },
  {
    name: "a body that comes byte by byte",
    send: async ({ base }) => {
      const head = "POST /v1/segment HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n";
      return (await exchange(base, [head, ...Array(40).fill("a")], { wait: 50 })).status;
    },
  },
  {
    name: "a huge header",
    send: async ({ base }) =>
      (await exchange(base, [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(100_000)}\r\n\r\n`])).status,
  },
  {
    name: "a huge address",
    send: async ({ base }) =>
      (await exchange(base, [`GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`])).status,
  },
  {
    name: "no HTTP",
    send: async ({ base }) => (await exchange(base, ["\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"])).status,
  },
  {
    name: "two lengths",
    send: async ({ base }) =>
      (
        await exchange(base, [
          "POST /v1/segment HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
        ])
      ).status,
  },
  {
    name: "a host that is none",
    send: async ({ base }) => (await exchange(base, ["GET / HTTP/1.1\r\nHost: a b@c/d\r\n\r\n"])).status,
  },
  ...[
    "/../../../etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..\\..\\etc\\passwd",
    "//etc/passwd",
    "/./page/../../package.json",
    "/%00",
    "/%ff%fe",
    "/index.html%00.png",
    "/v1/../../etc/passwd",
    "/.env",
    "/node_modules/",
  ].map((path) => ({ name: `the path ${path}`, send: ({ base }: Target) => get(base, path) })),
  {
    name: "a network that is none",
    send: ({ base, photograph }) => post(base, photograph, {}, "?model=../../etc/passwd"),
  },
  {
    name: "a network named as objects' parts are",
    send: ({ base, photograph }) => post(base, photograph, {}, "?model=__proto__"),
  },
  {
    name: "a wish that there is not",
    send: ({ base, photograph }) => post(base, photograph, { accept: "image/png; view=__proto__" }),
  },
  {
    name: "another method",
    send: async ({ base }) => (await fetch(`${base}v1/segment`, { method: "DELETE" })).status,
  },
  ...[
    "http://127.0.0.1/photo.png",
    "http://localhost/photo.png",
    "http://[::1]/photo.png",
    "http://[::ffff:127.0.0.1]/photo.png",
    "http://0x7f.1/photo.png",
    "http://2130706433/photo.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/photo.png",
    "http://192.168.1.1/photo.png",
    "http://[fd00::1]/photo.png",
    "http://user:password@photos.example/photo.png",
    "http://inside.example/photo.png",
    "http://both.example/photo.png",
    "http://redirect.example/to-inside",
    "http://redirect.example/to-file",
    "http://redirect.example/for-ever",
    "http://photos.example/none.png",
    "http://photos.example/page.html",
    "http://photos.example/large.png",
    "http://photos.example/slow.png",
    "http://nowhere.example/photo.png",
    "file:///etc/passwd",
    "ftp://photos.example/photo.png",
    "data:image/png;base64,AAAA",
    "not a URL",
    "",
  ].map((url) => ({ name: `the address ${url}`, send: (target: Target) => ask(target, url) })),
  {
    name: "JSON that is none of ours",
    send: ({ base }) => post(base, '{"url":["http://a"],"__proto__":{}}', { "content-type": "application/json" }),
  },
  {
    name: "JSON in very many brackets",
    send: ({ base }) => post(base, "[".repeat(1_000_000), { "content-type": "application/json" }),
  },
];
