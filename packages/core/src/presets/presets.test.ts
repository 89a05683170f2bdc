import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { parameterCount } from "../nn/module.js";
import { PRESETS } from "./presets.js";

describe.each(PRESETS.map((preset) => [preset.name, preset] as const))("%s", (name, { parts, classes }) => {
  it("is a network", () => {
    const config = pspnetConfig({ classes, preset: name });
    expect(config).toEqual(pspnetConfig({ classes, ...parts }));
    expect(parameterCount(new PSPNet(config))).toBeGreaterThan(9e5);
  });
});

it("no two presets have one name", () => {
  expect(new Set(PRESETS.map(({ name }) => name)).size).toBe(PRESETS.length);
});
