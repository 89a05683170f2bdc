import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { program } from "../src/cli/program.js";

interface Compose {
  readonly services: Readonly<Record<string, { readonly command: readonly string[] }>>;
}

const read = (name: string) => readFileSync(new URL(`../../../docker/${name}`, import.meta.url), "utf8");

test.each(["server", "worker"])("what compose.yaml runs as %s is a command with flags that there are", (service) => {
  const [name, ...args] = (parse(read("compose.yaml")) as Compose).services[service].command;
  const command = program().commands.find((one) => one.name() === name)!;
  const { operands, unknown } = command.parseOptions([...args]);
  expect({ operands, unknown }).toEqual({ operands: ["/weights/best.safetensors"], unknown: [] });
});

test("the image packs every package that pspnet needs, and has what networks run on", () => {
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  const needed = Object.keys(dependencies).filter((name) => name.startsWith("@pspnet/"));
  for (const name of [...needed, "pspnet"])
    expect(read("Dockerfile")).toContain(`-w packages/${name.replace("@pspnet/", "")}`);
  expect(read("Dockerfile")).toContain(`onnxruntime-node@${peerDependencies["onnxruntime-node"]}`);
});
