import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DownloadOptions, download, type RemoteFile } from "../src/pull/download.js";
import { type Answer, cutAfter, FileServer, type Tls } from "./support/fileServer.js";

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 5);
const sha256 = createHash("sha256").update(bytes).digest("hex").slice(0, 8);

let folder: string;
let server: FileServer;
let file: string;
beforeEach(async () => {
  for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy"])
    for (const variable of [name, name.toUpperCase()]) vi.stubEnv(variable, "");
  folder = await mkdtemp(join(tmpdir(), "pspnet-download-"));
  file = join(folder, "weights.pth");
  server = await FileServer.start();
  server.files.set("/weights.pth", { bytes, etag: '"one"' });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const remote = (path = "/weights.pth"): RemoteFile => ({
  url: `http://127.0.0.1:${server.port}${path}`,
  sha256,
  bytes: null,
});
const fetchIt = (options: DownloadOptions = {}, from = remote()) => download(from, file, { pause: 1, ...options });
const holds = async (expected: Uint8Array) => expect((await readFile(file)).equals(expected)).toBe(true);
const ranges = () => server.asked.map(({ range }) => range);

test("a file comes whole, is checked, and nothing is left beside it", async () => {
  const told: [number, number | null][] = [];
  await fetchIt({ onProgress: (done, total) => told.push([done, total]) });
  await holds(bytes);
  expect(told.at(-1)).toEqual([300_000, 300_000]);
  expect(await readdir(folder)).toEqual(["weights.pth"]);
});

test("one whose length the server does not say comes too", async () => {
  server.next.push((_, response) => {
    response.writeHead(200);
    response.write(bytes.subarray(0, 1000));
    response.end(bytes.subarray(1000));
  });
  await fetchIt();
  await holds(bytes);
});

describe("a broken connection", () => {
  test("is gone on with where it broke", async () => {
    server.next.push(cutAfter(bytes, 100_000, { etag: '"one"' }));
    const troubles: string[] = [];
    await fetchIt({ onTrouble: (message) => troubles.push(message) });
    await holds(bytes);
    expect(ranges()).toEqual([undefined, "bytes=100000-"]);
    expect(troubles).toEqual([expect.stringMatching(/weights\.pth: .+; trying again in 0 s/)]);
  });

  test("is gone on with by a later call", async () => {
    const { signal, abort } = abortable();
    server.next.push((_, response) => {
      response.writeHead(200, { "content-length": 300_000, etag: '"one"' });
      response.write(bytes.subarray(0, 50_000));
    });
    const onProgress = (done: number) => done === 50_000 && abort();
    await expect(fetchIt({ signal, onProgress })).rejects.toThrow("enough");
    expect(await readdir(folder)).toEqual(["weights.pth.part", "weights.pth.part.json"]);
    await fetchIt();
    await holds(bytes);
    expect(ranges()).toEqual([undefined, "bytes=50000-"]);
  });

  test("of a server that falls silent is one", async () => {
    server.next.push((_, response) => {
      response.writeHead(200, { "content-length": 300_000, etag: '"one"' });
      response.write(bytes.subarray(0, 70_000));
    });
    await fetchIt({ patience: 300 });
    await holds(bytes);
    expect(ranges()).toEqual([undefined, "bytes=70000-"]);
  });

  test("starts anew where the file is another one now", async () => {
    server.next.push(cutAfter(new Uint8Array(400_000).fill(7), 100_000, { etag: '"older"' }));
    await fetchIt();
    await holds(bytes);
    expect(ranges()).toEqual([undefined, "bytes=100000-"]);
  });

  test.each([
    ["tells no version of its files", {}],
    ["tells a weak one alone", { etag: 'W/"one"' }],
  ])("starts anew where the server %s", async (_, headers) => {
    server.next.push(cutAfter(bytes, 100_000, headers as Record<string, string>));
    await fetchIt();
    await holds(bytes);
    expect(ranges()).toEqual([undefined, undefined]);
  });

  test("starts anew where the server sends another part than it was asked for", async () => {
    server.next.push(cutAfter(bytes, 100_000, { etag: '"one"' }), (_, response) => {
      response.writeHead(206, { "content-range": "bytes 5-299999/300000", "content-length": 299_995 });
      response.end(bytes.subarray(5));
    });
    await fetchIt();
    await holds(bytes);
    expect(ranges()).toEqual([undefined, "bytes=100000-", undefined]);
  });

  test("starts anew where what has come is from another address", async () => {
    await writeFile(`${file}.part`, new Uint8Array(1000));
    await writeFile(`${file}.part.json`, JSON.stringify({ url: remote("/other.pth").url, validator: '"one"' }));
    await fetchIt();
    await holds(bytes);
    expect(ranges()).toEqual([undefined]);
  });

  test("after the last byte asks for none again", async () => {
    await writeFile(`${file}.part`, bytes);
    await writeFile(`${file}.part.json`, JSON.stringify({ url: remote().url, validator: '"one"' }));
    await fetchIt();
    await holds(bytes);
    expect(ranges()).toEqual(["bytes=300000-"]);
  });

  test("that happens again and again ends", async () => {
    for (let i = 0; i < 9; i++) server.next.push((_, response) => void response.destroy());
    server.next.unshift(cutAfter(bytes, 10, { etag: '"one"' }));
    await expect(fetchIt()).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(/, and 5 tries brought nothing more$/),
    });
    expect(server.asked).toHaveLength(6);
  });
});

describe("another file than the published one", () => {
  const other = new Uint8Array(1000);

  test("is kept apart, fetched anew by the next call, or taken as it is", async () => {
    server.files.set("/weights.pth", { bytes: other, etag: '"two"' });
    await expect(fetchIt()).rejects.toMatchObject({
      code: "format",
      message: expect.stringMatching(
        /weights\.pth: expected a sha256 of [0-9a-f]{8}\.\.\., found [0-9a-f]{64}: .*--unverified/,
      ),
    });
    expect(await readdir(folder)).toEqual(["weights.pth.bad"]);
    await fetchIt({ unverified: true });
    await holds(other);
    expect(server.asked).toHaveLength(1);
    expect(await readdir(folder)).toEqual(["weights.pth"]);
  });

  test("is left for the right one", async () => {
    await writeFile(`${file}.bad`, other);
    await fetchIt();
    await holds(bytes);
    expect(await readdir(folder)).toEqual(["weights.pth"]);
  });

  test("is fetched unverified too", async () => {
    server.files.set("/weights.pth", { bytes: other, etag: '"two"' });
    await fetchIt({ unverified: true });
    await holds(other);
  });

  test("of another size is one", async () => {
    await expect(fetchIt({}, { ...remote(), bytes: 299_999 })).rejects.toThrow("expected 299999 bytes, found 300000");
  });

  test("that was put together of pieces is fetched anew", async () => {
    server.next.push(cutAfter(new Uint8Array(300_000), 100_000, { etag: '"one"' }));
    const troubles: string[] = [];
    await fetchIt({ onTrouble: (message) => troubles.push(message) });
    await holds(bytes);
    expect(troubles[1]).toMatch(/expected a sha256 of .*, put together of pieces; it is fetched anew/);
  });
});

describe("a server", () => {
  test("that has not the file is asked once", async () => {
    const options = { mend: "\nBy hand: fetch it" };
    await expect(fetchIt(options, remote("/none.pth"))).rejects.toMatchObject({
      code: "environment",
      message: `http://127.0.0.1:${server.port}/none.pth: expected the file, found HTTP 404: it is not there any more\nBy hand: fetch it`,
    });
    expect(server.asked).toHaveLength(1);
  });

  test("that is busy is asked again", async () => {
    for (const status of [503, 429]) server.next.push((_, response) => void response.writeHead(status).end());
    await fetchIt();
    await holds(bytes);
  });

  test("that is not there is said to be, with the mend", async () => {
    const gone = remote();
    await server[Symbol.asyncDispose]();
    await expect(fetchIt({ mend: "\nBy hand" }, gone)).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(
        /^http:.*: connect ECONNREFUSED .*; is there a network, .*HTTPS_PROXY.*\?\nBy hand$/,
      ),
    });
    server = await FileServer.start();
  });
});

describe("redirects", () => {
  const to =
    (location: string): Answer =>
    (_, response) =>
      void response.writeHead(302, { location }).end();

  test("are followed, relative ones too", async () => {
    server.next.push(to("/elsewhere"), to(remote().url));
    await fetchIt({}, remote("/moved"));
    await holds(bytes);
    expect(server.asked.map(({ url }) => url)).toEqual(["/moved", "/elsewhere", "/weights.pth"]);
  });

  test("in a circle end", async () => {
    for (let i = 0; i < 9; i++) server.next.push(to("/moved"));
    await expect(fetchIt({}, remote("/moved"))).rejects.toThrow(/found more than 5 redirects, the last to .*\/moved/);
  });

  test.each(["file:///etc/passwd", "ftp://127.0.0.1/x", "http://"])("to %s are not followed", async (location) => {
    server.next.push(to(location));
    await expect(fetchIt({}, remote("/moved"))).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining(`found a redirect to `),
    });
    expect(server.asked).toHaveLength(1);
  });
});

describe("a full disk", () => {
  test("keeps what has come, and the next call goes on", async ({ skip }) => {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], { stdio: "ignore" });
    } catch {
      skip("mounting a small disk is not allowed here; the limit on files in pull.test.ts stands in");
    }
    try {
      await expect(fetchIt()).rejects.toMatchObject({
        code: "environment",
        message: expect.stringMatching(
          /weights\.pth\.part: the disk is full \(0\.3 MB are needed, 0\.0 MB are free\); what has come is kept in weights\.pth\.part/,
        ),
      });
      execFileSync("mount", ["-o", "remount,size=600k", folder]);
      await fetchIt();
      await holds(bytes);
      expect(server.asked).toHaveLength(2);
      expect(Number(/^bytes=(\d+)-$/.exec(ranges()[1] ?? "")?.[1])).toBeGreaterThan(100_000);
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  test.skipIf(process.platform !== "linux")("or a folder that cannot be written to is named", async () => {
    await expect(download(remote(), "/proc/pspnet/weights.pth")).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(/weights\.pth\.part: could not be written/),
    });
  });
});

describe("a proxy", () => {
  test("gets requests of http with the whole address, and NO_PROXY goes by", async () => {
    const from = { ...remote(), url: "http://weights.example.test/weights.pth" };
    server.files.set(from.url, { bytes, etag: '"one"' });
    vi.stubEnv("HTTP_PROXY", `127.0.0.1:${server.port}`);
    await fetchIt({}, from);
    await holds(bytes);
    expect(server.asked).toEqual([{ url: from.url, range: undefined, host: "weights.example.test" }]);
    vi.stubEnv("no_proxy", "127.0.0.1");
    await fetchIt();
    expect(server.asked.at(-1)).toMatchObject({ url: "/weights.pth" });
  });

  test("opens tunnels for https, where redirects to http are not followed", async ({ skip }) => {
    const tls = certificate() ?? skip("openssl is not there to make a certificate");
    await using behind = await FileServer.start(tls);
    behind.files.set("/weights.pth", { bytes, etag: '"one"' });
    const from = { ...remote(), url: "https://weights.example.test/weights.pth" };
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${server.port}`);
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    await expect(fetchIt({}, from)).rejects.toThrow(/Proxy response \(403\)/);
    server.tunnelTo = behind.port;
    await fetchIt({}, from);
    await holds(bytes);
    expect(server.tunnels.at(-1)).toBe("weights.example.test:443");
    behind.next.push((_, response) => void response.writeHead(302, { location: remote().url }).end());
    await expect(fetchIt({}, from)).rejects.toThrow(/found a redirect to http:.*, which is not followed/);
    expect(server.asked).toEqual([]);
  });
});

/** A key and a certificate that nobody vouches for; null where they cannot be made. */
function certificate(): Tls | null {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=weights.example.test", "-days", "1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    execFileSync("openssl", ["req", "-x509", ...kind, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return null;
  }
}

/** A signal and what aborts it. */
function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("enough")) };
}
