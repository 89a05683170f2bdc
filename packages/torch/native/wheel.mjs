// Brings some members of a wheel, a zip, without the rest of it, by HTTP ranges. Node's own modules only. Each is checked against the
// wheel's RECORD; what has come of a broken download is gone on from, by the next try or the next run.
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inflateRawSync } from "node:zlib";
import { bytesOf, openUrl } from "./packageIndex.mjs";

/** Tries one after another that bring nothing. */
const TRIES = 5;
/** Unwanted bytes between two members that cost less than another request. */
const GAP = 256 * 1024;
/** Bytes at the end of a zip in which its end record lies, unless it has a long comment, which wheels have not. */
const TAIL = 64 * 1024;

/** Answers that may be others soon. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An answer that another try would not change. */
class Refusal extends Error {}

/**
 * Brings the members that `wanted` says, by their names, into `folder`, whose `.spans` keeps what has come. Members that are there
 * already stay. Returns how many bytes were fetched.
 */
export async function bringMembers({ url, wanted, folder, ca, pause = 1000, patience, log = () => {} }) {
  const source = new Source(url, { ca, pause, patience, log });
  const { members, recordText } = await contents(source);
  const record = readRecord(recordText);
  const missing = members.filter(({ name }) => {
    if (name.endsWith("/") || !wanted(name) || /\.dist-info\/RECORD(\.\w+)?$/.test(name)) return false;
    if (!isSafe(name))
      throw new Error(`${url}: a member is called ${JSON.stringify(name)}, which lies outside the wheel`);
    if (!record.has(name)) throw new Error(`${url}: its RECORD does not list ${name}`);
    const file = join(folder, name);
    return !existsSync(file) || !isListed(readFileSync(file), record.get(name));
  });
  const key = createHash("sha256").update(recordText).digest("hex").slice(0, 16);
  for (const span of spansOf(missing)) await bringSpan(span, { source, record, folder, key });
  rmSync(join(folder, ".spans"), { recursive: true, force: true });
  return source.fetched;
}

/** The members of a wheel in the order in which they lie, and the text of its RECORD. */
async function contents(source) {
  const tail = await source.tail(TAIL);
  const end = tail.bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
  if (end < 0) throw new Error(`${source.url}: expected a zip, found no end record`);
  const [count, size, from] = [
    tail.bytes.readUInt16LE(end + 10),
    tail.bytes.readUInt32LE(end + 12),
    tail.bytes.readUInt32LE(end + 16),
  ];
  if (count === 0xffff || from === 0xffffffff) throw new Error(`${source.url}: a zip64, which is not read`);
  const begin = from - tail.from;
  const directory = begin >= 0 ? tail.bytes.subarray(begin, begin + size) : await source.bytes(from, from + size);
  const members = readDirectory(directory, count, from);
  const list = members.find(({ name }) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (!list) throw new Error(`${source.url}: expected a wheel, found no RECORD`);
  const recordText = String(unpack(list, await source.bytes(list.from, list.to), list.size));
  return { members, recordText };
}

function readDirectory(directory, count, end) {
  const members = [];
  for (let at = 0; members.length < count; ) {
    if (directory.readUInt32LE(at) !== 0x02014b50) throw new Error(`a zip's directory is damaged at byte ${at}`);
    const [nameLength, extra, comment] = [28, 30, 32].map((place) => directory.readUInt16LE(at + place));
    members.push({
      name: directory.toString("utf8", at + 46, at + 46 + nameLength),
      method: directory.readUInt16LE(at + 10),
      packed: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      from: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + extra + comment;
  }
  members.sort((a, b) => a.from - b.from);
  return members.map((member, place) => ({ ...member, to: members[place + 1]?.from ?? end }));
}

/** A member's content, out of the bytes from its local header on. */
function unpack({ name, method, packed }, bytes, size) {
  if (bytes.readUInt32LE(0) !== 0x04034b50) throw new Error(`${name}: expected a member's header, found other bytes`);
  const begin = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  const content = bytes.subarray(begin, begin + packed);
  if (method === 0) return content;
  if (method === 8) return inflateRawSync(content, { maxOutputLength: Math.max(1, size) });
  throw new Error(`${name}: packed by method ${method}, which is not read`);
}

/** `path,sha256=...,size` a line; the RECORD itself is listed without a hash. */
function readRecord(text) {
  const lines = [...text.matchAll(/^("?)(.*)\1,sha256=([\w-]+)=*,(\d+)\r?$/gm)];
  return new Map(lines.map(([, , name, sha256, size]) => [name, { sha256, size: Number(size) }]));
}

function isSafe(name) {
  return !/^[/\\]|^\w:|\\|\0/.test(name) && !name.split("/").includes("..");
}

function isListed(content, { sha256, size }) {
  return content.length === size && createHash("sha256").update(content).digest("base64url") === sha256;
}

/** Members that lie together, or nearly. */
function spansOf(members) {
  const spans = [];
  for (const member of members) {
    const last = spans.at(-1);
    if (last && member.from - last.to <= GAP) {
      last.members.push(member);
      last.to = member.to;
    } else spans.push({ from: member.from, to: member.to, members: [member] });
  }
  return spans;
}

/** Fetches what is missing of a span, and puts its members where they belong. */
async function bringSpan({ from, to, members }, { source, record, folder, key }) {
  const file = join(folder, ".spans", `${key}-${from}-${to}`);
  mkdirSync(dirname(file), { recursive: true });
  for (const last of [false, true]) {
    await source.appendTo(file, from, to);
    const bytes = readFileSync(file);
    const damaged = members.find((member) => !put(member, bytes.subarray(member.from - from), { record, folder }));
    rmSync(file);
    if (!damaged) return;
    const problem = `${damaged.name} is not what the wheel's RECORD lists`;
    if (last) throw new Error(`${source.url}: ${problem}, fetched twice`);
    source.log(`${problem}: it is fetched anew`);
  }
}

/** False when the member is not the one that RECORD lists. */
function put(member, bytes, { record, folder }) {
  const listed = record.get(member.name);
  const content = attempt(() => unpack(member, bytes, listed.size));
  if (content === null || !isListed(content, listed)) return false;
  const file = join(folder, member.name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
  return true;
}

/** Null where bytes are damaged so that they cannot be unpacked. */
function attempt(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

/** A file on a server that answers ranges. */
class Source {
  fetched = 0;

  constructor(url, { ca, pause, patience, log }) {
    Object.assign(this, { url, ca, pause, patience, log });
  }

  /** The last bytes, and where they begin. */
  async tail(length) {
    return this.#retry(async () => {
      const { body, from } = await this.#open(`bytes=-${length}`);
      return { from, bytes: await this.#count(bytesOf(body)) };
    });
  }

  async bytes(from, to) {
    return this.#retry(async () => {
      const { body } = await this.#open(`bytes=${from}-${to - 1}`, from);
      const bytes = await this.#count(bytesOf(body));
      if (bytes.length !== to - from)
        throw new Error(`the connection ended after ${bytes.length} of ${to - from} bytes`);
      return bytes;
    });
  }

  /** Goes on with a file that holds the first of these bytes. */
  async appendTo(file, from, to) {
    const there = () => (existsSync(file) ? statSync(file).size : 0);
    await this.#retry(async () => {
      if (there() > to - from) rmSync(file);
      const begin = from + there();
      if (begin === to) return;
      const { body } = await this.#open(`bytes=${begin}-${to - 1}`, begin);
      const output = openSync(file, "a");
      try {
        for await (const chunk of body) {
          writeSync(output, chunk);
          this.fetched += chunk.length;
        }
      } finally {
        closeSync(output);
      }
      if (from + there() !== to) throw new Error(`the connection ended after ${there()} of ${to - from} bytes`);
    }, there);
  }

  async #count(reading) {
    const bytes = await reading;
    this.fetched += bytes.length;
    return bytes;
  }

  async #open(range, from) {
    const headers = { range, "accept-encoding": "identity" };
    const { status, headers: found, body } = await openUrl(this.url, { headers, ca: this.ca, patience: this.patience });
    const begin = Number(/^bytes (\d+)-\d+\/\d+$/.exec(found["content-range"] ?? "")?.[1]);
    if (status === 206 && begin === (from ?? begin)) return { body, from: begin };
    body.destroy();
    if (PASSING.has(status)) throw new Error(`HTTP ${status}`);
    throw new Refusal(
      `${this.url}: expected ${range} of it, found HTTP ${status}${status === 200 ? ", the whole file" : ""}`,
    );
  }

  /** Tries again as long as tries bring something, and a few times when they do not. */
  async #retry(work, progress = () => 0) {
    for (let vain = 0, before = progress(); ; before = progress()) {
      try {
        return await work();
      } catch (cause) {
        if (cause instanceof Refusal || ["ENOSPC", "EDQUOT", "EACCES"].includes(cause.code)) throw cause;
        vain = progress() > before ? 0 : vain + 1;
        const reason = cause.message || cause.code || cause.name;
        if (vain === TRIES)
          throw new Error(`${this.url}: ${reason}, and ${TRIES} tries brought nothing more`, { cause });
        const wait = this.pause * 2 ** vain;
        this.log(`${this.url}: ${reason}; trying again in ${(wait / 1000).toFixed(0)} s`);
        await sleep(wait);
      }
    }
  }
}
