/** `pspnet import` as a user runs it. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { PSPNet, parseWeights, pspnetConfig, randomWeights, readSafetensors, writeSafetensors } from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pspnet } from "./support/cli.js";

let folder: string;
const config = pspnetConfig({ classes: 3, layers: 18, width: 4, headChannels: 8, auxChannels: 8 });
const ours = readSafetensors(randomWeights(config)).tensors;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-import-"));
  const foreign = new Map([...ours].map(([name, tensor]) => [`module.${name}`, tensor]));
  await writeFile(join(folder, "theirs.safetensors"), writeSafetensors(foreign));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) => pspnet(["import", ...args], { cwd: folder });
const written = async (name: string) => parseWeights(await readFile(join(folder, name)));

describe("pspnet import", () => {
  test("says what a checkpoint was taken for, and writes it beside", async () => {
    const { out, err, code } = await run("theirs.safetensors", "backbone.strideIn=1x1", "--crop", "321");
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toContain("family: semseg, the official PyTorch release (hszhao/semseg)\n");
    expect(out).toContain('assumed: pyramid.concatOrder="ascending"');
    expect(out).not.toContain("assumed: backbone.strideIn");
    expect(out).toContain(`tensors: ${ours.size} renamed\n`);
    const { description, state } = await written("theirs.imported.safetensors");
    expect(description.config.backbone).toMatchObject({ layers: 18, strideIn: "1x1" });
    expect(description.crop).toBe(321);
    for (const [name, tensor] of ours) expect(state.get(name)!.float32()).toEqual(tensor.float32());
  });

  test("accounts for every tensor in JSON, and takes names of classes", async () => {
    await writeFile(join(folder, "names.txt"), "sky\nsea\nland\n");
    const { out, code } = await run("theirs.safetensors", "--json", "--classes", "names.txt", "--out", "a.safetensors");
    expect(code).toBe(0);
    const { family, tensors, classes } = JSON.parse(out);
    expect([family.name, classes.names, tensors.length]).toEqual(["semseg", ["sky", "sea", "land"], ours.size]);
    expect(tensors[0]).toMatchObject({ fate: "renamed", because: null });
    expect((await written("a.safetensors")).description.classes.names).toEqual(["sky", "sea", "land"]);
  });

  test("says in a few lines what it cannot do", async () => {
    await writeFile(
      join(folder, "other.safetensors"),
      writeSafetensors(new Map([["h.0.attn", ours.get("cls.4.bias")!]])),
    );
    const strange = await run("other.safetensors");
    expect([strange.code, strange.out]).toEqual([1, ""]);
    expect(strange.err).toContain("found 1 tensors (safetensors) that make none: h.0.attn [3]");
    expect(strange.err.split("\n").length).toBeLessThan(8);
    expect((await run("theirs.safetensors", "backbone.strideIn=2x2")).err).toContain("expected one of 1x1, 3x3");
    expect(await run("missing.pth")).toMatchObject({ code: 2, err: expect.stringContaining("missing.pth") });
    expect(await run("theirs.safetensors", "--from", "semsge")).toMatchObject({ code: 2 });
    expect(await run("a=1")).toMatchObject({ code: 2, err: expect.stringContaining("found keys alone") });
  });

  test("says of which file the official release has no parts, and that --to torch asked for them", async () => {
    const strange = pspnetConfig({ ...config, head: { kind: "conv1x1" } });
    await writeFile(join(folder, "strange.safetensors"), randomWeights(strange));
    const { code, err } = await run("strange.safetensors", "--to", "torch");
    expect([code, err]).toEqual([1, expect.stringContaining("pspnet: strange.safetensors: --to torch: expected the")]);
    expect(err).toContain("found head.kind=conv1x1");
  });

  test.skipIf(process.platform === "win32")("refuses at once what is no file, or has no end", async () => {
    execFileSync("mkfifo", [join(folder, "pipe.pth")]);
    await symlink("/dev/zero", join(folder, "zero.pth"));
    await mkdir(join(folder, "folder.pth"));
    await writeFile(join(folder, "empty.pth"), "");
    for (const [name, problem] of [
      ["pipe.pth", "found a device or a pipe"],
      ["zero.pth", "found a device or a pipe"],
      ["folder.pth", "found a folder"],
      ["empty.pth", "found an empty one"],
    ]) {
      const { code, err } = await run(name);
      expect([code, err]).toEqual([expect.any(Number), expect.stringContaining(`pspnet: ${name}: expected a`)]);
      expect(code).not.toBe(0);
      expect(err).toContain(problem);
    }
  });

  test("takes no weights that describe themselves already", async () => {
    await writeFile(join(folder, "ours.safetensors"), randomWeights(config));
    const { code, err } = await run("ours.safetensors");
    expect([code, err]).toEqual([2, expect.stringContaining("describes itself already")]);
    expect(await pspnet(["export", "ours.safetensors", "--to", "onnx"], { cwd: folder })).toMatchObject({ code: 0 });
    expect((await run("ours.onnx")).err).toContain("import what it was exported from");
  });

  test("says what it guesses where names say nothing", async () => {
    const names = [...new PSPNet(config).stateDict().keys()];
    const modules = [...new Set(names.map((name) => name.replace(/\.\w+$/, "")))];
    const nameless = (name: string) => name.replace(/^.*(?=\.)/, (module) => `unit${modules.indexOf(module)}`);
    const state = new Map(names.map((name) => [nameless(name), ours.get(name)!]));
    await writeFile(join(folder, "nameless.safetensors"), writeSafetensors(state));
    const { out, code } = await run("nameless.safetensors", "pyramid.features=last", "--out", "b.safetensors");
    expect(code).toBe(0);
    expect(out).toContain("family: structure, a PSPNet whose names are not known here");
    expect(out).toContain("taken for layer0: unit0.weight to unit5.weight, 15 tensors");
    expect(out).toContain('assumed: pyramid.concatOrder="ascending": most define levels from coarse to fine');
    expect(out).toContain("key=value says so");
    expect(out).not.toContain("assumed: pyramid.features");
    const { description, state: found } = await written("b.safetensors");
    expect(description.config.pyramid).toMatchObject({ features: "last" });
    for (const [name, tensor] of ours) expect(found.get(name)!.float32()).toEqual(tensor.float32());
  });

  test("takes any file of a TensorFlow checkpoint, or the name that they begin with, for all of it", async () => {
    for (const ending of ["index", "data-00000-of-00001"]) {
      const packed = await readFile(new URL(`golden/families/hellochick.ckpt.${ending}.gz`, import.meta.url));
      await writeFile(join(folder, `model.ckpt-120000.${ending}`), gunzipSync(packed));
    }
    await writeFile(join(folder, "model.ckpt-120000.meta"), "a graph");
    const glob = ["data-00000-of-00001", "index", "meta"].map((ending) => `model.ckpt-120000.${ending}`);
    for (const given of [["model.ckpt-120000"], ["model.ckpt-120000.index"], glob]) {
      const { out, err, code } = await run(...given);
      expect({ err, code }).toEqual({ err: "", code: 0 });
      expect(out).toContain("TensorFlow checkpoint, 304 tensors");
      expect(out).toContain("family: hellochick");
      expect(out).toContain("2 dropped (stands beside the network's weights)");
      expect(out).toMatch(/\nmodel\.ckpt-120000\.safetensors\n$/);
    }
    await rm(join(folder, "model.ckpt-120000.data-00000-of-00001"));
    const { err, code } = await run("model.ckpt-120000");
    expect(code).toBe(1);
    expect(err).toContain("expected the checkpoint's data with it in *.data-00000-of-00001, found no such file");
  });
});
