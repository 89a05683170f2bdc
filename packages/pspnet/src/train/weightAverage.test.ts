import { initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { backend, liveTensors, noGrad } from "@pspnet/torch";
import { expect, test } from "vitest";
import { tensorsOf } from "./network.js";
import { WeightAverage } from "./weightAverage.js";

test("the average forgets the first weights soon, then by its decay, and leaves the weights and no tensor", () => {
  const model = new PSPNet(pspnetConfig({ classes: 2, layers: 18, width: 1, headChannels: 1, auxChannels: 1 }));
  initialise(model, backend(), { seed: 0 });
  const before = liveTensors();
  const weights = tensorsOf(model).get("cls.4.bias")!;
  weights.requiresGrad = true;
  const set = (value: number) => noGrad(() => weights.fill_(value));
  set(1);
  const average = new WeightAverage(model, { decay: 0.25 });
  const found = () => average.tensors.get("cls.4.bias")!.toArray()[0];
  set(2);
  average.update(1);
  const first = (2 / 11) * 1 + (9 / 11) * 2;
  expect(found()).toBeCloseTo(first, 6);
  set(4);
  average.update(50);
  expect(found()).toBeCloseTo(0.25 * first + 0.75 * 4, 6);
  expect(weights.toArray()[0]).toBe(4);
  average.dispose();
  expect(liveTensors()).toBe(before);
});
