// What is lost where ranks send each other gradients in bfloat16, for packages/pspnet/bench/rankStep.mjs.
import { initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { makeScene, sceneClasses } from "@pspnet/scenes";
import { backend, GradientReducer, noGrad } from "@pspnet/torch";
import { createOptimiser } from "../dist/train/optimiser.js";
import { trainStep } from "../dist/train/step.js";

/** The scenes' network (examples/scenes.yaml). */
const NETWORK = pspnetConfig({
  classes: sceneClasses.names.length,
  backbone: { layers: 18, stem: "plain", width: 16 },
  head: { channels: 128 },
  auxiliary: { channels: 64 },
});

/**
 * Of gradients over all ranks in bfloat16 beside those in float32, of the same weights and scenes: the length of the difference as a share of
 * the gradients', of all together and of the worst parameter. Of losses after so many steps: float32's, and how far bfloat16 is off, and
 * float32 that begins with weights which are 1e-7 of themselves off: rounding alone.
 */
export async function wireError(world, { size, batch, steps = 20, lr = 0.01 }) {
  const train = (how) => run(world, { size, batch, lr, ...how });
  const exact = await train({ wire: "float32", steps: 1 });
  const rounded = await train({ wire: "bfloat16", steps: 1 });
  const errors = [...exact.gradients].map(([name, gradient]) => {
    const difference = squares(gradient.sub(rounded.gradients.get(name)));
    return { name, difference, length: squares(gradient) };
  });
  const total = (of) => errors.reduce((sum, one) => sum + of(one), 0);
  const share = ({ difference, length }) => Math.sqrt(difference / length);
  const worst = errors.filter(({ length }) => length > 0).sort((a, b) => share(b) - share(a))[0];
  const { loss } = await train({ wire: "float32", steps });
  const off = async (how) => Math.abs((await train({ steps, ...how })).loss - loss);
  return {
    gradients: share({ difference: total(({ difference }) => difference), length: total(({ length }) => length) }),
    worst: { name: worst.name, error: share(worst) },
    steps,
    lr,
    loss,
    lossOff: await off({ wire: "bfloat16" }),
    lossOffByRounding: await off({ wire: "float32", moved: 1e-7 }),
  };
}

const squares = (values) => values.to({ dtype: "float64" }).pow(2).sum().item();

/** The last step's loss, and its gradients over all ranks. */
async function run(group, { size, batch, lr, wire, steps, moved = 0 }) {
  const model = new PSPNet(NETWORK);
  initialise(model, backend(), { seed: 0 });
  const parameters = [...model.namedParameters()].map(([name, value]) => [name, value.as()]);
  for (const [, value] of moved ? parameters : []) noGrad(() => value.mul_(1 + moved));
  const optimiser = createOptimiser(model, { lr, momentum: 0.9, weightDecay: 1e-4 });
  const trained = optimiser.groups.flatMap((one) => one.parameters);
  const reducer = new GradientReducer(group, trained, { wire });
  const gradients = new Map();
  const kept = {
    begin: () => reducer.begin(),
    async finish() {
      await reducer.finish();
      for (const [name, { grad }] of parameters) gradients.set(name, grad.clone());
    },
  };
  const world = {
    rank: group.rank,
    size: group.size,
    sum: (values) => group.allReduce(values),
    sharing: (work, how) => group.sharing(work, how),
  };
  const options = { device: "cpu", precision: "fp32", accumulate: 1, auxWeight: 0.4, classWeights: null, world };
  let loss = Number.NaN;
  for (let step = 0; step < steps; step++) {
    const data = scenes({ size, batch, from: (step * group.size + group.rank) * batch });
    const gathered = step === steps - 1 && steps === 1 ? kept : reducer;
    loss = await trainStep(model, optimiser, data, { ...options, seed: step, gradients: gathered });
  }
  reducer.dispose();
  optimiser.dispose();
  for (const value of model.stateDict().values()) value.as().dispose();
  return { loss, gradients };
}

function scenes({ size, batch, from }) {
  const made = Array.from({ length: batch }, (_, i) =>
    makeScene({ width: size, height: size, seed: 0, index: from + i }),
  );
  return {
    images: Float32Array.from(
      made.flatMap(({ image }) => [...image.data]),
      (value) => (value - 118) / 58,
    ),
    labels: Uint8Array.from(made.flatMap(({ label }) => [...label.data])),
    ids: [],
    shape: [batch, size, size],
    release: () => {},
  };
}
