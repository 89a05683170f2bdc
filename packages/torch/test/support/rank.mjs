// One rank of a group: node rank.mjs <what> <rank> <size> <store> <timeout>. Prints what came of it, one line of JSON.
import { GradientReducer, init, isCollectiveFailure, ones, tensor } from "@pspnet/torch";

const [what, rank, worldSize, store, timeout] = process.argv.slice(2);
const me = Number(rank);

const numbers = (value) => value.toNumbers();

const WORK = {
  async collectives(group) {
    const sum = tensor([me, 1, 2], [3]);
    await group.allReduce(sum);
    const least = tensor([me - 5], [1]);
    await group.allReduce(least, "min");
    const most = tensor([me], [1], { dtype: "float64" });
    await group.allReduce(most, "max");
    const root = tensor([10 * me, 3], [2], { dtype: "bfloat16" });
    await group.broadcast(root, { root: 1 });
    const all = await group.allGather(tensor([me, -me], [2]));
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
    const [a, b, c] = [[2, 2], [3], [1]].map((shape) => ones(shape));
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
    await group.allReduce(ones([1 << 20]));
    return "went on";
  } catch (error) {
    return { collective: isCollectiveFailure(error), lost: await group.lost({ patience: 1 }) };
  }
}

try {
  const group = await init({ rank: me, worldSize: Number(worldSize), store, timeout: Number(timeout) });
  console.log(JSON.stringify(await WORK[what](group)));
  group.destroy();
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
process.exit();
