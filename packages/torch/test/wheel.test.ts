/** Members of a wheel by HTTP ranges, from an index on this machine that breaks off, damages, and knows no ranges when it is told to. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const native = (name: string) => import(new URL(`../native/${name}`, import.meta.url).href);
const { bringMembers } = await native("wheel.mjs");
const { findWheel, indexSettings } = await native("packageIndex.mjs");

const scratch = mkdtempSync(join(tmpdir(), "pspnet-wheel-"));
afterAll(() => rmSync(scratch, { recursive: true }));

type Members = Readonly<Record<string, Buffer>>;

/** A zip with a RECORD, whose members are deflated. */
function wheelOf(members: Members, listed = members): Buffer {
  const record = Object.entries(listed).map(
    ([name, content]) => `${name},sha256=${createHash("sha256").update(content).digest("base64url")},${content.length}`,
  );
  const all = { ...members, "made-1.0.dist-info/RECORD": Buffer.from(`${record.join("\n")}\nRECORD,,\n`) };
  const [locals, directory]: Buffer[][] = [[], []];
  let offset = 0;
  for (const [name, content] of Object.entries(all)) {
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, place, Buffer.from(name));
    locals.push(Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), packed);
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(Object.keys(all).length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

const members: Members = {
  "made/first.txt": Buffer.from("first\n".repeat(100)),
  "made/large-unwanted.bin": randomBytes(600_000),
  "made/lib/large.bin": randomBytes(900_000),
  "made/lib/small.txt": Buffer.from("small"),
  "made/more-unwanted.bin": randomBytes(600_000),
};
const wanted = (name: string) => name === "made/first.txt" || name.startsWith("made/lib/");

let wheel = wheelOf(members);
let ranges: string[];
/** Answers a range; a test puts another in its place. */
let answer: (response: ServerResponse, from: number, to: number) => void;
let page: { readonly type: string; readonly text: string };
let server: Server;
let host: string;
let folder: string;

const send = (response: ServerResponse, from: number, to: number, bytes = wheel.subarray(from, to)) => {
  const headers = { "content-range": `bytes ${from}-${to - 1}/${wheel.length}`, "content-length": to - from };
  response.writeHead(206, headers).write(bytes);
};

beforeAll(async () => {
  server = createServer(({ url, headers }, response) => {
    if (url?.startsWith("/simple/")) return response.writeHead(200, { "content-type": page.type }).end(page.text);
    const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? "") ?? [];
    ranges.push(headers.range ?? "");
    if (from === "") answer(response, Math.max(0, wheel.length - Number(to)), wheel.length);
    else answer(response, Number(from), Number(to) + 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

beforeEach(() => {
  folder = mkdtempSync(join(scratch, "into-"));
  wheel = wheelOf(members);
  ranges = [];
  answer = (response, from, to) => {
    send(response, from, to);
    response.end();
  };
});
afterEach(() => server.closeAllConnections());

const bring = (more = {}) =>
  bringMembers({ url: `${host}/made.whl`, wanted, folder, pause: 1, ...more }) as Promise<number>;

function expectMembers() {
  for (const name of ["made/first.txt", "made/lib/large.bin", "made/lib/small.txt"]) {
    expect(readFileSync(join(folder, name)).equals(members[name] as Buffer)).toBe(true);
  }
  expect(existsSync(join(folder, "made", "large-unwanted.bin"))).toBe(false);
  expect(readdirSync(folder)).toEqual(["made"]);
}

/** Breaks the answer to the range with the large member off after so many bytes. */
const breaking =
  (bytes: number, then: (response: ServerResponse) => void): typeof answer =>
  (response, from, to) => {
    if (to - from < 200_000) {
      send(response, from, to);
      response.end();
    } else {
      send(response, from, to, wheel.subarray(from, from + bytes));
      setTimeout(() => then(response), 20);
    }
  };

describe("members of a wheel", () => {
  it("come alone, checked, and once", async () => {
    const bytes = await bring();
    expectMembers();
    expect(bytes).toBeGreaterThan(900_000);
    expect(bytes).toBeLessThan(1_100_000);
    ranges = [];
    expect(await bring()).toBeLessThan(100_000);
    expect(ranges).toHaveLength(2);
  });

  it("go on after each break where they were", async () => {
    answer = breaking(250_000, (response) => response.destroy());
    const said: string[] = [];
    const bytes = await bring({ log: (line: string) => said.push(line) });
    expectMembers();
    expect(bytes).toBeLessThan(1_100_000);
    expect(said).toHaveLength(3);
    expect(said[0]).toMatch(/made\.whl: .*; trying again in 0 s$/);
    const begins = ranges.slice(-4).map((range) => Number(/\d+/.exec(range)?.[0]));
    expect(begins.map((begin) => begin - (begins[0] as number))).toEqual([0, 250_000, 500_000, 750_000]);
  });

  it("go on in the next run after one that was given up", async () => {
    answer = breaking(600_000, (response) => {
      answer = (next) => next.writeHead(404).end();
      response.destroy();
    });
    await expect(bring()).rejects.toThrow(/made\.whl: expected bytes=\d+-\d+ of it, found HTTP 404$/);
    expect(existsSync(join(folder, "made", "lib", "large.bin"))).toBe(false);
    answer = (response, from, to) => {
      send(response, from, to);
      response.end();
    };
    expect(await bring()).toBeLessThan(500_000);
    expectMembers();
  });

  it("are fetched anew when damaged, and not taken when damaged again", async () => {
    let times = 1;
    answer = (response, from, to) => {
      const bytes = Buffer.from(wheel.subarray(from, to));
      if (to - from > 200_000 && times-- > 0) bytes[500_000] = (bytes[500_000] as number) ^ 1;
      send(response, from, to, bytes);
      response.end();
    };
    const said: string[] = [];
    await bring({ log: (line: string) => said.push(line) });
    expectMembers();
    expect(said).toEqual(["made/lib/large.bin is not what the wheel's RECORD lists: it is fetched anew"]);
    rmSync(join(folder, "made"), { recursive: true });
    times = 2;
    await expect(bring()).rejects.toThrow("made/lib/large.bin is not what the wheel's RECORD lists, fetched twice");
    expect(existsSync(join(folder, "made", "lib", "large.bin"))).toBe(false);
  });

  it("are not to be had from a server without ranges, or one that falls silent", async () => {
    answer = (response) => response.writeHead(200).end(wheel);
    await expect(bring()).rejects.toThrow(/expected bytes=-65536 of it, found HTTP 200, the whole file$/);
    answer = () => {};
    await expect(bring({ patience: 20 })).rejects.toThrow(
      /said nothing for 0\.02 s, and 5 tries brought nothing more$/,
    );
  });

  it("do not leave their folder, and must be listed", async () => {
    wheel = wheelOf({ "made/lib/../../../evil": Buffer.from("evil") });
    await expect(bring()).rejects.toThrow(/a member is called "made\/lib\/\.\.\/\.\.\/\.\.\/evil"/);
    wheel = wheelOf(members, {});
    await expect(bring()).rejects.toThrow("its RECORD does not list made/first.txt");
    wheel = Buffer.from("no zip at all");
    await expect(bring()).rejects.toThrow("expected a zip, found no end record");
  });
});

describe("the index", () => {
  const machine =
    process.platform === "darwin"
      ? "macosx_14_0_arm64"
      : `manylinux_2_28_${process.arch === "x64" ? "x86_64" : "aarch64"}`;
  const names = ["1.9", "1.10", "2.0"].map((version) => `made_up-${version}-cp312-cp312-${machine}.whl`);
  const others = ["made_up-1.11-cp312-cp312-win_amd64.whl", "made_up-1.12.tar.gz", "other-1.13-py3-none-any.whl"];
  const find = (version: string) => findWheel({ name: "made-up", version }, { index: `${host}/simple/` });

  it("tells the newest wheel for this machine, by JSON", async () => {
    const files = [...names, ...others].map((filename) => ({
      filename,
      url: `../../files/${filename}`,
      yanked: false,
    }));
    const type = "application/vnd.pypi.simple.v1+json";
    page = { type, text: JSON.stringify({ files }) };
    expect(await find("1.*")).toEqual({ url: `${host}/files/${names[1]}`, filename: names[1] });
    expect((await find("2.0")).filename).toBe(names[2]);
    await expect(find("3.0")).rejects.toThrow(/made-up\/: expected a wheel made-up==3\.0 for \w+ on \w+, found none/);
    page = { type, text: JSON.stringify({ files: files.map((file) => ({ ...file, yanked: "broken" })) }) };
    await expect(find("2.0")).rejects.toThrow("found none");
  });

  it("tells it by HTML", async () => {
    const line = (name: string) =>
      `<a href="/files/${name}#sha256=00" data-requires-python="&gt;=3.10">${name}</a><br/>`;
    page = { type: "text/html", text: `<!DOCTYPE html><body>${[...others, ...names].map(line).join("\n")}</body>` };
    expect((await find("1.*")).url).toBe(`${host}/files/${names[1]}#sha256=00`);
  });

  it("is the one that pip is set to, and pip's alone where only pip can", () => {
    const configured = new Map([["index-url", "https://mirror.example/simple"]]);
    expect(indexSettings({}, configured).index).toBe("https://mirror.example/simple/");
    expect(indexSettings({ PIP_INDEX_URL: "https://other.example/" }, configured).index).toBe("https://other.example/");
    const file = join(scratch, "ca.pem");
    writeFileSync(file, "certificate");
    expect(String(indexSettings({ PIP_CERT: file }, new Map()).ca)).toBe("certificate");
    expect(() => indexSettings({}, new Map([["no-index", "true"]]))).toThrow("pip is set to no-index=true");
    expect(() => indexSettings({ https_proxy: "http://proxy:3128" }, new Map())).toThrow("HTTPS_PROXY is set");
  });
});
