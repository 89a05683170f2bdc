// One rank of a group: node rank.mjs <what> <rank> <size> <store> <timeout> [<backend> <device>]. Prints what came of it, one line of JSON.
import { GradientReducer, init, isCollectiveFailure, manualSeed, ones, randn, tensor, zeros } from "@pspnet/torch";

const [what, rank, worldSize, store, timeout, backend = "gloo", device = "cpu"] = process.argv.slice(2);
const me = Number(rank);

const numbers = (value) => value.toNumbers();

const WORK = {
  async collectives(group) {
    const sum = tensor([me, 1, 2], [3], { device });
    await group.allReduce(sum);
    const least = tensor([me - 5], [1], { device });
    await group.allReduce(least, "min");
    const most = tensor([me], [1], { dtype: "float64" });
    await group.allReduce(most, "max");
    const root = tensor([10 * me, 3], [2], { dtype: "bfloat16", device });
    await group.broadcast(root, { root: Math.min(1, Number(worldSize) - 1) });
    const all = await group.allGather(tensor([me, -me], [2], { device }));
    await group.barrier();
    return {
      sum: numbers(sum),
      least: numbers(least),
      most: numbers(most),
      root: numbers(root),
      all: numbers(all),
      shape: all.shape,
    };
  },

  /** Every rank's loss reaches other parameters; rank 0's reaches none at all. */
  async gradients(group) {
    const [a, b, c] = [[2, 2], [3], [1]].map((shape) => ones(shape, { device }));
    for (const parameter of [a, b, c]) parameter.requiresGrad = true;
    const reducer = new GradientReducer(group, [a, b, c], { bucketBytes: 1 });
    const found = [];
    for (let step = 0; step < 2; step++) {
      for (const parameter of [a, b, c]) parameter.grad = null;
      reducer.begin();
      if (me === 1) a.sum().backward();
      if (me === 2) a.sum().add(b.sum().mul(2)).backward();
      await reducer.finish();
      found.push([a, b, c].map(({ grad }) => numbers(grad)));
    }
    const { timings } = reducer;
    reducer.dispose();
    a.sum().backward();
    return { found, timings };
  },

  /** Two batch norms of a shared batch, forward and backward. */
  async sums(group) {
    const before = group.sums;
    const x = ones([1, 4, 2, 2]).mul(me).contiguous("channelsLast");
    x.requiresGrad = true;
    const state = [ones([4]), ones([4]), ones([4]), ones([4])];
    const options = { training: true, momentum: 0.1, eps: 1e-5 };
    group
      .sharing(() => x.batchNorm(...state, options).batchNorm(...state, options))
      .sum()
      .backward();
    return { before, after: group.sums };
  },

  /** This rank's samples of a batch, those i with i % size === rank, normalised over all: outputs, gradients and running statistics. */
  async batchNorm(group) {
    manualSeed(0);
    const size = Number(worldSize);
    const every = () => randn([4, 3, 5, 6]).to({ dtype: "float64" });
    const own = (all) => {
      const shares = Array.from({ length: 4 }, (_, i) => all.narrow(0, i, 1)).filter((_, i) => i % size === me);
      return shares[0].cat(shares.slice(1), 0).to({ device }).clone();
    };
    const vector = () => randn([3]).to({ dtype: "float64", device }).clone();
    const [features, summand, factors] = [every(), every(), every()].map(own);
    const [weight, bias] = [vector(), vector()];
    const leaves = [features, summand, weight, bias];
    for (const leaf of leaves) leaf.requiresGrad = true;
    const statistics = [zeros([3], { dtype: "float64", device }), ones([3], { dtype: "float64", device })];
    const options = { training: true, momentum: 0.1, eps: 1e-5 };
    const pass = () => features.batchNormRelu(weight, bias, ...statistics, summand, options);
    const y = size === 1 ? pass() : group.sharing(pass);
    y.mul(factors).sum().backward();
    for (const { grad } of [weight, bias]) await group.allReduce(grad);
    return {
      samples: [y, features.grad, summand.grad].map(numbers),
      whole: [weight.grad, bias.grad, ...statistics].map(numbers),
    };
  },

  async silent(group) {
    if (me === 1) await new Promise((resolve) => setTimeout(resolve, 6000));
    return lost(group);
  },

  /** The process that holds the store stands still, and is killed once the others have said so. */
  async hanging(group) {
    const pids = numbers(await group.allGather(tensor([process.pid], [1], { dtype: "float64" })));
    if (me === 0) process.kill(process.pid, "SIGSTOP");
    try {
      return await lost(group);
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      if (me === 2) process.kill(pids[0], "SIGKILL");
    }
  },

  async killed(group) {
    await group.barrier();
    if (me === 1) process.kill(process.pid, "SIGKILL");
    return lost(group);
  },
};

async function lost(group) {
  try {
    await group.allReduce(ones([1 << 20], { device }));
    return "went on";
  } catch (error) {
    return { collective: isCollectiveFailure(error), lost: await group.lost({ patience: 1 }) };
  }
}

try {
  const group = await init({ rank: me, worldSize: Number(worldSize), store, timeout: Number(timeout), backend });
  console.log(JSON.stringify(await WORK[what](group)));
  group.destroy();
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
process.exit();
