/**
 * A PSPNet of random weights that is as sensitive as a trained one and finds many classes, and pictures for it: batch-norm statistics
 * are those of pictures and residuals damped, so that activations are of a trained network's size.
 */
import { initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { backend, noGrad, scope, tensor } from "@pspnet/torch";

/** As many pictures, `[n, 3, h, w]` of normalised values, as make 0.01 % of their pixels several; of the smallest, 64. */
export function pictures([h, w]) {
  const n = Math.min(64, Math.ceil(60_000 / (h * w)));
  const data = new Float32Array(n * 3 * h * w);
  for (let i = 0; i < n; i++) data.set(picture([h, w], i), i * 3 * h * w);
  return { data, shape: [n, 3, h, w] };
}

/** Waves of a few lengths and some noise, `[1, 3, h, w]`. */
function picture([h, w], number = 0) {
  let seed = 12345 + number;
  const noise = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  const waves = Array.from({ length: 3 }, () =>
    Array.from({ length: 4 }, (_, k) => [noise() * 0.3, noise() * 0.3, 3 * noise(), 1 / (k + 1)]),
  );
  const data = new Float32Array(3 * h * w);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % w, Math.floor(i / w) % h];
    const wave = waves[Math.floor(i / (h * w))];
    data[i] = wave.reduce((sum, [a, b, c, size]) => sum + size * Math.sin(a * x + b * y + c), 0.2 * noise());
  }
  return data;
}

export function network(layers, fields) {
  const config = pspnetConfig({
    dropout: 0,
    aux: false,
    bnMomentum: 1,
    ...fields,
    layers,
  });
  const model = new PSPNet(config);
  initialise(model, backend(), { seed: 1 });
  for (const [name, parameter] of model.stateDict()) {
    if (lastOfBlock(name, layers))
      parameter.value = tensor(new Float32Array(parameter.shape[0]).fill(0.3), parameter.shape);
  }
  // Several, because the coarsest level of the pyramid has one value a picture.
  const { data, shape } = pictures([97, 97]);
  scope(() => noGrad(() => model.train().forward(tensor(data, shape))));
  return model.eval();
}

/** Scales of the residuals. At 1, as initialised, libtorch's own float32 is 1.6e-4 from float64 in PSPNet-50; at 0.3, 1.2e-5. */
const lastOfBlock = (name, layers) =>
  /^layer[1-4]/.test(name) && name.endsWith(layers >= 50 ? ".bn3.weight" : ".bn2.weight");

export function stateOf(model) {
  const entry = ([name, { value, shape }]) => [name, { shape, dtype: "float32", float32: () => value.toArray() }];
  return new Map([...model.stateDict()].map(entry));
}

/** What its files say, its classes by number. */
export function descriptionOf({ config }) {
  const ids = Array.from({ length: config.classes }, (_, id) => id);
  const classes = { names: ids.map((id) => `class${id}`), palette: ids.map((id) => [id, id, id]) };
  return { config, classes, crop: 473, licence: "" };
}
