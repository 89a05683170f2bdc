import type { StateTensor } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { partOf } from "../model/parts.js";
import { PSPNet } from "../model/pspnet.js";
import { backboneStateFrom } from "./backboneState.js";

/** A backbone's tensors by their names in PSPNet, each telling its own. */
function backboneOf(stem: "deep" | "plain"): Map<string, StateTensor> {
  const net = new PSPNet(pspnetConfig({ classes: 2, backbone: { layers: 18, width: 4, stem } }));
  const names = [...net.stateDict().keys()].filter((name) => partOf(name) === "backbone");
  return new Map(names.map((name) => [name, tensor(name)]));
}

const tensor = (name: string) => ({ name }) as unknown as StateTensor;
const rename = (state: ReadonlyMap<string, StateTensor>, to: (name: string) => string) =>
  new Map([...state].map(([name, tensor]) => [to(name), tensor]));
const told = (state: ReadonlyMap<string, StateTensor>) => [...state].map(([name, { dtype }]) => [name, dtype]);

describe("backboneStateFrom", () => {
  it.each(["plain", "deep"] as const)("renames a classifier's %s stem, and drops its last layer", (stem) => {
    const names = { "0": "conv1", "1": "bn1", "3": "conv2", "4": "bn2", "6": "conv3", "7": "bn3" };
    const classifier = rename(backboneOf(stem), (name) =>
      name.replace(/^layer0\.(\d)/, (_, i: keyof typeof names) => names[i]),
    );
    expect(classifier.has("bn1.running_var")).toBe(true);
    const found = backboneStateFrom(new Map([...classifier, ["fc.weight", tensor("fc")], ["fc.bias", tensor("fc")]]));
    expect(told(found)).toEqual(told(backboneOf(stem)));
  });

  it("takes PSPNet's own names, and the prefix of DataParallel", () => {
    const backbone = backboneOf("deep");
    expect(told(backboneStateFrom(backbone))).toEqual(told(backbone));
    expect(told(backboneStateFrom(rename(backbone, (name) => `module.${name}`)))).toEqual(told(backbone));
  });
});
