// A process that is one rank of ddp.test.ts: trains from weights that it is told, and tells what became of them.
import { loadStateDict, PSPNet } from "@pspnet/core";
import { answerQuestions } from "@pspnet/core/threads";
import { backend } from "@pspnet/torch";
import { ProcessWorld } from "../../dist/ranks/processWorld.js";
import { parentProcess } from "../../dist/threads/parentProcess.js";
import { tensorsOf } from "../../dist/train/network.js";
import { createOptimiser, setLearningRate } from "../../dist/train/optimiser.js";
import { trainStep } from "../../dist/train/step.js";

answerQuestions(parentProcess(), async ({ place, config, weights, batches, rates, options }) => {
  const world = await ProcessWorld.join(place, { timeout: 30, device: "cpu" });
  const model = new PSPNet(config);
  const state = new Map([...weights].map(([name, { shape, values }]) => [name, { shape, float32: () => values }]));
  loadStateDict(model, state, { backend: backend() });
  const optimiser = createOptimiser(model, rates);
  setLearningRate(optimiser, rates.lr, rates);
  const gradients = world.gradients(
    optimiser.groups.flatMap(({ parameters }) => parameters),
    { wire: "fp32", bucket: 25 },
  );
  const losses = [];
  model.train();
  for (const batch of batches) losses.push(await trainStep(model, optimiser, batch, { ...options, world, gradients }));
  const found = new Map([...tensorsOf(model)].map(([name, tensor]) => [name, tensor.toArray()]));
  await world.barrier();
  gradients.dispose();
  world.close();
  return { losses, weights: found };
});
