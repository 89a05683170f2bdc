/** `pspnet export` as a user runs it, and the ONNX project's own checker on what it writes. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportOnnx, networkGraph, optimise } from "@pspnet/core";
import { type NetworkFields, parseDescription, pspnetConfig, randomWeights, readSafetensors } from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installBare, runIn } from "./support/bare.js";
import { pspnet } from "./support/cli.js";
import { answer, onnxRuntime, open } from "./support/onnx.js";

let folder: string;

const weightsOf = (fields: NetworkFields = {}) =>
  randomWeights(pspnetConfig({ classes: 5, layers: 18, width: 4, headChannels: 8, aux: false, ...fields }));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-export-"));
  await writeFile(join(folder, "weights.safetensors"), weightsOf());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...flags: readonly string[]) =>
  pspnet(["export", "weights.safetensors", "--to", "onnx", ...flags], { cwd: folder });

describe("pspnet export", () => {
  test("writes the model beside the weights and says what it takes and gives", async () => {
    const { out, err, code } = await run();
    expect({ err, code }).toEqual({ err: "", code: 0 });
    const megabytes = ((await stat(join(folder, "weights.onnx"))).size / 1e6).toFixed(1);
    expect(out).toBe(
      `weights.onnx: ${megabytes} MB\ninput image: float32 [n, 3, h, w]\noutput logits: float32 [n, 5, h, w]\n`,
    );
    expect((await readdir(folder)).sort()).toEqual(["weights.onnx", "weights.safetensors"]);
  });

  test.skipIf(!onnxRuntime)("takes every flag to the model, which runs", async () => {
    const flags = [
      "--out",
      "out/street.onnx",
      "--size",
      "60x98",
      "--output",
      "labels",
      "--dtype",
      "fp16",
      "--preprocess",
    ];
    const { out } = await run(...flags, "--json");
    const path = join("out", "street.onnx");
    expect(JSON.parse(out)).toEqual({
      weights: "weights.safetensors",
      files: [{ path: "out/street.onnx", bytes: (await stat(join(folder, path))).size }],
      inputs: [{ name: "image", dtype: "uint8", shape: ["n", 60, 98, 3] }],
      outputs: [{ name: "labels", dtype: "uint8", shape: ["n", 60, 98] }],
    });
    const session = await open(join(folder, path));
    const { dims } = await answer(session, {
      dtype: "uint8",
      data: new Uint8Array(3 * 60 * 98),
      shape: [1, 60, 98, 3],
    });
    expect(dims).toEqual([1, 60, 98]);
  });

  test("writes weights in half the room, which describe themselves as before", async () => {
    const { out, err, code } = await run("--to", "safetensors", "--dtype", "fp16");
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toMatch(/^weights\.fp16\.safetensors: \d+ tensors of fp16, [\d.]+ MB\n$/);
    const [whole, halves] = [weightsOf(), await readFile(join(folder, "weights.fp16.safetensors"))].map(
      readSafetensors,
    );
    expect(halves.metadata).toEqual(whole.metadata);
    for (const [name, { dtype, float32 }] of halves.tensors) {
      expect(dtype).toBe("float16");
      const exact = whole.tensors.get(name)!.float32();
      expect(float32().every((value, i) => Math.abs(value - exact[i]) <= 1e-3 * Math.abs(exact[i]) + 1e-7)).toBe(true);
    }
    const wrong = await run("--to", "safetensors", "--size", "473");
    expect(wrong.err).toMatch(/'--size' is of --to onnx/);
    expect(wrong.code).toBe(2);
  });

  test("needs no libtorch and no onnxruntime", async () => {
    const bare = join(folder, "bare");
    await installBare(bare, { onnx: false });
    await writeFile(join(bare, "weights.safetensors"), weightsOf());
    const { err, code } = await runIn(bare, ["node_modules/pspnet/bin/pspnet.js", "export", "weights.safetensors"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(await readFile(join(bare, "weights.onnx"))).toEqual(await readFile(join(folder, "weights.onnx")));
  });

  test("answers what it cannot do with the way out, and writes nothing", async () => {
    const noSize = await run("--size", "large", "--out", "never.onnx");
    expect(noSize.err).toMatch(/--size.*expected any, a number or HEIGHTxWIDTH/);
    expect(noSize.code).toBe(2);
    const noFile = await pspnet(["export", "absent.safetensors"], { cwd: folder });
    expect(noFile.err).toMatch(/absent.safetensors: expected a readable weights file/);
    expect((await run("--to", "tflite")).err).toMatch(/Allowed choices are onnx/);
    expect(await readdir(folder)).not.toContain("never.onnx");
  });
});

const python = process.env.PSPNET_PYTHON ?? "python3";
const checker = fileURLToPath(new URL("../../../scripts/onnx/check.py", import.meta.url));
const hasChecker = spawnSync(python, ["-c", "import onnx"]).status === 0;
if (!hasChecker) {
  console.warn(`skipped, ${python} has no onnx: set PSPNET_PYTHON to one that has, after \`pip install onnx\``);
}

describe.skipIf(!hasChecker)("the ONNX project's checker", () => {
  test("accepts files of every form, size, output and type", { timeout: 300_000 }, async () => {
    const forms: NetworkFields[] = [
      {},
      { layers: 50, stem: "plain", ceilPool: true, alignCorners: false },
      { pool: "max", reduction: false, bins: [1, 3] },
      { ppm: false },
    ];
    const files: string[] = [];
    for (const [i, form] of forms.entries()) {
      const { metadata, tensors } = readSafetensors(weightsOf(form));
      const description = parseDescription(metadata);
      const graph = optimise(networkGraph(description.config, tensors));
      for (const size of ["any", { height: 65, width: 97 }, { height: 60, width: 98 }] as const) {
        for (const output of ["logits8", "logits", "probabilities", "labels"] as const) {
          const [dtype, preprocess] = output === "labels" ? (["fp16", true] as const) : (["fp32", false] as const);
          const name = `${i}-${size === "any" ? size : size.height}-${output}.onnx`;
          const externalData = output === "probabilities" ? { location: `${name}.data`, above: 0 } : {};
          const file = exportOnnx(graph, description, { size, output, dtype, preprocess, externalData });
          files.push(join(folder, name));
          await writeFile(files[files.length - 1], file.model);
          if (file.externalData)
            await writeFile(join(folder, `${name}.data`), file.externalData.pieces as Uint8Array[]);
        }
      }
    }
    const lines = execFileSync(python, [checker, ...files], { encoding: "utf8" })
      .trim()
      .split("\n");
    expect(lines).toHaveLength(files.length);
    for (const line of lines) {
      const { opset, metadata, operators } = JSON.parse(line);
      expect(opset).toEqual({ "": 17 });
      expect(metadata).toContain("palette");
      expect(operators.Conv).toBeGreaterThan(18);
    }
  });

  test("is asked by a script that refuses Resize as well", () => {
    const file = join(folder, "resize.onnx");
    const program = `
from onnx import TensorProto, helper, save
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4, 4])
scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 1, 1])
node = helper.make_node("Resize", ["x", "", "scales"], ["y"])
graph = helper.make_graph([node], "resize", [value("x")], [value("y")], [scales])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), ${JSON.stringify(file)})`;
    execFileSync(python, ["-c", program]);
    const { status, stderr } = spawnSync(python, [checker, file], { encoding: "utf8" });
    expect(stderr).toMatch(/resize.onnx: expected operators that every runtime has, found Resize/);
    expect(status).toBe(1);
  });

  test("is asked by a script that fails on a broken file", async () => {
    const broken = join(folder, "broken.onnx");
    await writeFile(broken, (await readFile(join(folder, "weights.onnx"))).subarray(0, 5000));
    const { status, stderr } = spawnSync(python, [checker, broken], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain(broken);
  });
});
