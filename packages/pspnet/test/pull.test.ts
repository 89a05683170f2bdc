import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { torchPieces } from "@pspnet/core";
import {
  encodePng,
  load,
  makeScene,
  pspnetConfig,
  randomWeights,
  readSafetensors,
  readWeights,
  writeSafetensors,
} from "pspnet";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pull } from "../src/pull/pull.js";
import { type ZooEntry, zoo, zooEntry } from "../src/pull/zoo.js";
import { pspnet } from "./support/cli.js";
import { cutAfter, FileServer } from "./support/fileServer.js";

const config = pspnetConfig({
  classes: 19,
  backbone: { layers: 18, width: 4 },
  head: { channels: 8 },
  auxiliary: { channels: 8 },
});
const { tensors } = readSafetensors(randomWeights(config));
/** What is published: names, numbers, and nothing said of them. */
const bytes = new Uint8Array(
  Buffer.concat([...torchPieces(new Map([...tensors].map(([name, tensor]) => [`module.${name}`, tensor])))]),
);
const sha256 = createHash("sha256").update(bytes).digest("hex").slice(0, 8);

let folder: string;
let server: FileServer;
let entry: ZooEntry;
beforeEach(async () => {
  for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "PSPNET_OFFLINE"])
    for (const variable of [name, name.toUpperCase()]) vi.stubEnv(variable, "");
  folder = await mkdtemp(join(tmpdir(), "pspnet-pull-"));
  server = await FileServer.start();
  server.files.set("/weights.pth", { bytes, etag: '"one"' });
  const files = [{ url: `http://127.0.0.1:${server.port}/weights.pth`, sha256, bytes: null }];
  entry = { ...zooEntry("cityscapes-pspnet18"), name: "small", short: null, files };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe("published weights", () => {
  test("are fetched once, and describe themselves with licence, score and address", async () => {
    const lines: string[] = [];
    const file = await pull(entry, { folder, stream: { write: (text) => lines.push(text) } });
    expect(file).toBe(join(folder, "small", "small.safetensors"));
    const { description, state } = await readWeights(file);
    expect(description).toMatchObject({
      licence: "Apache-2.0",
      score: { meanIoU: 0.759, dataset: "Cityscapes, as mmsegmentation published it" },
      origin: entry.files[0].url,
      crop: 769,
    });
    expect(description.config).toEqual(config);
    expect(state.get("cls.4.bias")!.float32()).toEqual(tensors.get("cls.4.bias")!.float32());
    expect(lines.join("")).toMatch(/weights\.pth 0\.\d\/0\.\d \(100 %\) {2}MB\/s/);
    expect(await pull(entry, { folder, offline: true })).toBe(file);
    expect(server.asked).toHaveLength(1);
    expect(await readdir(join(folder, "small"))).toEqual(["small.safetensors", "weights.pth"]);
  });

  test("that are the network which only their publisher tells are imported as it", async () => {
    const file = await pull({ ...entry, fields: { backbone: { strideIn: "1x1" } } }, { folder });
    expect((await readWeights(file)).description.config.backbone).toMatchObject({ strideIn: "1x1" });
  });

  test("that two want at once are fetched by one, gone on with after a cut, and the other waits", async () => {
    server.next.push(cutAfter(bytes, 20_000, { etag: '"one"' }));
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) };
    const files = await Promise.all([pull(entry, { folder, stream }), pull(entry, { folder, stream })]);
    expect(new Set(files).size).toBe(1);
    expect(server.asked.map(({ range }) => range)).toEqual([undefined, "bytes=20000-"]);
    expect(lines.join("")).toMatch(/process \d+ on .* pulls into it; waiting for it/);
  });

  test("that cannot be imported are kept, and not fetched again", async () => {
    const other = { ...entry, fields: { backbone: { layers: 34 } } };
    await expect(pull(other, { folder })).rejects.toMatchObject({ code: "weights" });
    expect(await readdir(join(folder, "small"))).toEqual(["weights.pth"]);
    await pull(entry, { folder });
    expect(server.asked).toHaveLength(1);
  });

  test("of a backbone that is not here are not fetched", async () => {
    const { name } = zooEntry("ade20k-pspnet-resnest101");
    await expect(pull(zooEntry(name), { folder })).rejects.toThrow("found one on resnest101");
  });
});

describe("without the network", () => {
  const hint = (url: string) =>
    expect.stringMatching(
      new RegExp(
        `By hand: fetch\\n {2}${url}\\nand import it:\\n {2}npx pspnet import weights\\.pth .*--out small\\.safetensors$`,
      ),
    );

  test("what to do by hand is said", async () => {
    const [{ url }] = entry.files;
    await server[Symbol.asyncDispose]();
    await expect(pull(entry, { folder })).rejects.toMatchObject({ code: "environment", message: hint(url) });
    server = await FileServer.start();
  });

  test.each([{ offline: true }, {}])("nobody is asked with %j and PSPNET_OFFLINE", async (options) => {
    vi.stubEnv("PSPNET_OFFLINE", "1");
    await expect(pull(entry, { folder, ...options })).rejects.toMatchObject({
      code: "environment",
      message: hint(entry.files[0].url),
    });
    expect(server.asked).toEqual([]);
  });
});

test("the command to import by hand can be pasted", async () => {
  await expect(
    pull(zooEntry("pspnet_r50-d32_4xb2-80k_cityscapes-512x1024"), { folder, offline: true }),
  ).rejects.toThrow(
    / backbone\.outputStride=32 'backbone\.dilations=\[1,1,2,4\]' --crop 512 --licence Apache-2\.0 --out pspnet_r50-d32/,
  );
});

test("every entry's fields are a network's, and its file a name that the command to import it takes", () => {
  for (const { name, fields, files } of zoo()) {
    expect(() => pspnetConfig({ classes: 2, ...fields }), name).not.toThrow();
    for (const { url } of files) expect(new URL(url).pathname, name).toMatch(/\/[\w.-]+$/);
  }
});

/** As `http://sceneparsing.csail.mit.edu` is reached through a proxy that has its own files. */
describe("the command line", () => {
  const name = "csail-ade20k-pspnet50";
  const env = () => ({
    PSPNET_HOME: folder,
    HTTP_PROXY: `http://127.0.0.1:${server.port}`,
    HTTPS_PROXY: "http://127.0.0.1:9",
  });
  const run = (...args: string[]) => pspnet(args, { cwd: folder, env: env() });

  beforeEach(() => {
    const { files } = zooEntry(name);
    const config = pspnetConfig({
      classes: 150,
      backbone: { layers: 18, width: 4 },
      head: { channels: 8 },
      auxiliary: { channels: 8 },
    });
    const all = [...readSafetensors(randomWeights(config)).tensors];
    const inEncoder = ([name]: readonly [string, unknown]) => name.startsWith("layer");
    for (const [i, part] of [all.filter(inEncoder), all.filter((one) => !inEncoder(one))].entries())
      server.files.set(files[i].url, { bytes: writeSafetensors(new Map(part)), etag: `"${i}"` });
  });

  test("pulls by name, and predicts with the name in a file's place, offline too", async () => {
    const pulled = await run("pull", name, "--json");
    expect(pulled.err).toMatch(/encoder_epoch_20\.pth .* \(100 %\)[\s\S]*decoder_epoch_20\.pth .* \(100 %\)/);
    expect(JSON.parse(pulled.out)).toEqual([
      { ...zooEntry(name), file: join(folder, zooEntry(name).name, `${zooEntry(name).name}.safetensors`) },
    ]);
    await writeFile(
      join(folder, "photo.png"),
      await encodePng(makeScene({ width: 61, height: 43, seed: 1, index: 0 }).image),
    );
    const { code, out } = await run("predict", name, "photo.png", "--offline");
    expect(out).toMatch(/1 image segmented/);
    expect(code).toBe(0);
    expect(existsSync(join(folder, "predictions", "photo.labels.png"))).toBe(true);
    expect((await run("export", name)).out).toMatch(/^csail-ade20k-pspnet50\.onnx: /);
    vi.stubEnv("PSPNET_HOME", folder);
    await using net = await load(name);
    expect(net.classes.names[0]).toBe("wall");
    expect(server.asked).toHaveLength(2);
  });

  test("waits for another process, and goes on where it was killed", async () => {
    const { bytes, etag } = server.files.get(zooEntry(name).files[0].url)!;
    server.next.push((_, response) => {
      response.writeHead(200, { "content-length": bytes.byteLength, etag });
      response.write(bytes.subarray(0, 20_000));
    });
    let second: ReturnType<typeof pspnet> | null = null;
    const first = await pspnet(["pull", name], {
      cwd: folder,
      env: env(),
      onMessage: (_, child) => {
        const onMessage = (messages: string) => void (/waiting for it/.test(messages) && child.kill("SIGKILL"));
        second ??= pspnet(["pull", name], { cwd: folder, env: env(), onMessage });
      },
    });
    expect(first.signal).toBe("SIGKILL");
    expect(await second).toMatchObject({ code: 0, err: expect.stringMatching(/has ended without letting go of it/) });
    expect(server.asked.map(({ range }) => range)).toEqual([undefined, "bytes=20000-", undefined]);
  });

  test("predict pulls what has not been pulled", async () => {
    await writeFile(
      join(folder, "photo.png"),
      await encodePng(makeScene({ width: 61, height: 43, seed: 1, index: 0 }).image),
    );
    const { code, err } = await run("predict", name, "photo.png");
    expect(err).toMatch(/decoder_epoch_20\.pth .* \(100 %\)/);
    expect(code).toBe(0);
  });

  test("a file of that name is a file", async () => {
    await writeFile(join(folder, name), "text");
    await writeFile(join(folder, "photo.png"), "");
    expect((await run("predict", name, "photo.png")).err).toMatch(/^pspnet: csail-ade20k-pspnet50: safetensors: /);
    expect(server.asked).toEqual([]);
  });

  test("a name that there is not, and a backbone where a network is needed", async () => {
    expect(await run("pull", "ade20k-pspnet51")).toMatchObject({
      code: 2,
      err: expect.stringContaining("did you mean ade20k-pspnet50?"),
    });
    await writeFile(join(folder, "photo.png"), "");
    expect(await run("predict", "ade20k-psnet50", "photo.png")).toMatchObject({
      code: 2,
      err: expect.stringContaining("did you mean ade20k-pspnet50?"),
    });
    expect(await run("predict", "resnet50", "photo.png")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/found a backbone without a head; train with init=resnet50/),
    });
  });

  test("the proxy that is not there is told, with what to do by hand", async () => {
    const { code, err } = await run("pull", "cityscapes-pspnet50");
    expect(code).toBe(1);
    expect(err).toMatch(
      /ECONNREFUSED 127\.0\.0\.1:9; is there a network, .*\nBy hand: fetch\n {2}https:\/\/download\.openmmlab\.com/,
    );
    expect(err).toMatch(
      /npx pspnet import pspnet_r50-d8\S+\.pth pyramid\.alignCorners=true upsampling\.alignCorners=true --crop 769 --licence Apache-2\.0 --out cityscapes-pspnet50\.safetensors\n$/,
    );
  });

  test.skipIf(process.platform !== "linux")(
    "a disk that takes no more keeps what has come, and the next pull goes on",
    async () => {
      const command = join(import.meta.dirname, "..", "bin", "pspnet.js");
      const limited = promisify(execFile)(
        "sh",
        ["-c", 'ulimit -f 40; exec "$0" "$@"', process.execPath, command, "pull", name],
        { cwd: folder, env: { ...process.env, ...env() } },
      );
      await expect(limited).rejects.toThrow(
        /encoder_epoch_20\.pth\.part: could not be written \(EFBIG[\s\S]*the next pull goes on from there/,
      );
      expect((await run("pull", name)).code).toBe(0);
      expect(server.asked[1].range).toMatch(/^bytes=(20480|40960)-$/);
    },
  );

  test("all of it is listed, with licence and score", async () => {
    const { out } = await run("models", "--pull");
    expect(out).toMatch(/^ade20k-pspnet50 +ADE20K +150 +resnet50-v1c +42\.48 +43\.44 +Apache-2\.0 +mmsegmentation$/m);
    expect(out).toMatch(/^resnet50 +ImageNet +1000 +resnet50 +76\.13 +- +BSD-3-Clause +torchvision$/m);
    expect(JSON.parse((await run("models", "--pull", "--classes", "21", "--json")).out)).toHaveLength(6);
  });
});
