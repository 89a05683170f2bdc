import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { random } from "@pspnet/core";
import {
  fromBuffer,
  full,
  keep,
  liveTensors,
  memoryInUse,
  memoryKept,
  numThreads,
  ones,
  peakMemory,
  rand,
  releaseMemory,
  SGD,
  scope,
  setNumThreads,
  type Tensor,
  tensor,
  zeros,
} from "@pspnet/torch";
import { beforeEach, describe, expect, it } from "vitest";
import { native } from "../src/binding.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const megabyte = 2 ** 20;

/** Collects until no tensor goes any more: finalisers run between turns. */
async function settle(): Promise<number> {
  for (let before = -1; before !== liveTensors(); ) {
    before = liveTensors();
    collect();
    await turn();
    await turn();
  }
  return liveTensors();
}

describe("scope", () => {
  let base = 0;
  beforeEach(async () => {
    base = await settle();
  });

  it("frees what was made in it", () => {
    expect(scope(() => ones([3]).add(1).mul(2).sum().item())).toBe(12);
    expect(liveTensors()).toBe(base);
  });

  it("keeps what it returns and what is kept", () => {
    let kept = zeros([1]);
    kept.dispose();
    const { out, list } = scope(() => {
      kept = keep(ones([1]));
      return { out: ones([2]).add(1), list: [zeros([1]), new Map([["a", zeros([2])]])] };
    });
    expect(liveTensors()).toBe(base + 4);
    expect([out.toNumbers(), kept.toNumbers(), list.length]).toEqual([[2, 2], [1], 2]);
  });

  it("hands what an inner scope returns to the outer one", () => {
    scope(() => {
      const inner = scope(() => ones([2]).add(1));
      expect(liveTensors()).toBe(base + 1);
      expect(inner.sum().item()).toBe(4);
    });
    expect(liveTensors()).toBe(base);
  });

  it("is a method too, for code that is given its tensors", () => {
    const x = ones([3]);
    const y = x.scope(() => x.add(1).mul(2));
    expect(liveTensors()).toBe(base + 2);
    expect(y.toNumbers()).toEqual([4, 4, 4]);
    for (const tensor of [x, y]) tensor.dispose();
  });

  it("frees everything when its work throws", async () => {
    const fail = () => {
      ones([2]).add(1);
      throw new Error("stop");
    };
    expect(() => scope(fail)).toThrow("stop");
    await expect(scope(async () => fail())).rejects.toThrow("stop");
    expect(liveTensors()).toBe(base);
  });

  it("follows async work, side by side with other work", async () => {
    const work = (value: number) =>
      scope(async () => {
        const x = full([2], value);
        await turn();
        const y = x.mul(10);
        await turn();
        return y.add(1);
      });
    const outside = ones([1]);
    const results = await Promise.all([work(1), work(2)]);
    expect(results.map((result) => result.toNumbers())).toEqual([
      [11, 11],
      [21, 21],
    ]);
    expect(liveTensors()).toBe(base + 3);
    expect(outside.item()).toBe(1);
  });

  it("does not grow over many training steps", async () => {
    const weight = rand([8, 8]);
    weight.requiresGrad = true;
    const optimizer = new SGD({ groups: [{ parameters: [weight], lr: 0.01 }], momentum: 0.9 });
    const step = () =>
      scope(() => {
        optimizer.zeroGrad();
        const loss = rand([4, 8]).matmul(weight).pow(2).mean();
        loss.backward();
        optimizer.step();
        return loss.item();
      });
    step();
    const after = liveTensors();
    for (let i = 0; i < 200; i++) step();
    expect(liveTensors()).toBe(after);
  });
});

describe("without a scope", () => {
  it("the collector frees tensors, and is told of their size", async () => {
    const base = await settle();
    // Each is a few hundred bytes to JavaScript: only what it is told makes it collect before memory runs out.
    let most = 0;
    for (let i = 0; i < 60; i++) {
      ones([4 * megabyte]);
      await turn();
      most = Math.max(most, liveTensors() - base);
    }
    expect(most).toBeLessThan(40);
    expect(await settle()).toBe(base);
  });

  it("dispose frees at once, twice without harm", () => {
    const base = liveTensors();
    const x = ones([2]);
    expect(liveTensors()).toBe(base + 1);
    x.dispose();
    x[Symbol.dispose]();
    expect(liveTensors()).toBe(base);
  });
});

describe("fromBuffer", () => {
  it("looks into the array", () => {
    const array = Float32Array.of(1, 2, 3);
    const x = fromBuffer(array, [3]);
    array[1] = 7;
    expect(x.toNumbers()).toEqual([1, 7, 3]);
    x.mul_(2);
    expect(Array.from(array)).toEqual([2, 14, 6]);
  });

  it("looks into shared memory, from an offset, and sees images as channels-last", () => {
    const shared = new SharedArrayBuffer(4 * 25);
    const image = new Float32Array(shared, 4, 24);
    const x = fromBuffer(image, [1, 2, 4, 3]).permute(0, 3, 1, 2);
    image[1] = 5;
    expect(x.shape).toEqual([1, 3, 2, 4]);
    expect(x.isContiguous("channelsLast")).toBe(true);
    expect(x.select(1, 1).max().item()).toBe(5);
  });

  it("keeps the array alive as long as a view of it", async () => {
    const view = fromBuffer(new Float32Array(megabyte).fill(3), [megabyte]).narrow(0, 0, 4);
    await settle();
    for (let i = 0; i < 8; i++) new Float32Array(megabyte).fill(i + 10);
    expect(view.toNumbers()).toEqual([3, 3, 3, 3]);
  });

  it("refuses a shape of another size", () => {
    expect(() => fromBuffer(new Float32Array(4), [5])).toThrow("shape: holds 5 elements, data has 4");
  });

  it("refuses memory that can shrink, and keeps what it looks into where it is", () => {
    const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const shrinking = new Uint8Array(new Resizable(16, { maxByteLength: 32 }));
    expect(() => fromBuffer(shrinking, [16])).toThrow(/found a resizable ArrayBuffer; copy it with tensor\(\)/);
    const array = Float32Array.of(1, 2, 3);
    const x = fromBuffer(array, [3]);
    try {
      structuredClone(array, { transfer: [array.buffer] });
    } catch {
      // Node refuses, or copies.
    }
    expect(array.length).toBe(3);
    expect(x.toNumbers()).toEqual([1, 2, 3]);
  });
});

describe("large blocks", () => {
  it("are taken again, and kept ones never add to the peak", async () => {
    await settle();
    releaseMemory();
    const before = memoryInUse();
    const size = 4 * megabyte;
    const first = zeros([size]);
    expect(memoryInUse() - before).toBe(16 * megabyte);
    first.dispose();
    expect(memoryKept()).toBe(16 * megabyte);
    const second = zeros([size]);
    expect(memoryKept()).toBe(0);
    second.dispose();
    const peak = peakMemory();
    // A larger one cannot use the kept block: that is given back, so that the sum stays at the larger one's size.
    const larger = zeros([2 * size]);
    expect(memoryKept()).toBeLessThanOrEqual(peakMemory() - 32 * megabyte);
    expect(peakMemory()).toBe(peak + 16 * megabyte);
    larger.dispose();
    releaseMemory();
    expect(memoryKept()).toBe(0);
  });

  it.runIf(process.platform === "linux")("are taken in parts, and side by side as one", async () => {
    await settle();
    releaseMemory();
    const whole = zeros([6 * megabyte]);
    const peak = peakMemory();
    whole.dispose();
    const part = zeros([2 * megabyte]);
    expect(memoryKept()).toBe(16 * megabyte);
    const rest = zeros([4 * megabyte]);
    expect(memoryKept()).toBe(0);
    part.dispose();
    rest.dispose();
    const ofBoth = zeros([5 * megabyte]);
    expect([memoryKept(), peakMemory()]).toEqual([4 * megabyte, peak]);
    ofBoth.dispose();
  });

  it.runIf(process.platform === "linux")(
    "of a step that is like the one before are all taken again, and hardly add to its peak",
    async () => {
      await settle();
      releaseMemory();
      const before = memoryInUse();
      const numbers = random(7);
      const sizes = Array.from({ length: 200 }, () => Math.floor((0.3 + numbers.next() ** 4 * 6) * megabyte));
      const ends = sizes.map((_, i) => i + Math.floor(1 + numbers.next() ** 3 * 60));
      let most = 0;
      const step = () => {
        const held = new Map<number, Tensor[]>();
        for (const [i, size] of sizes.entries()) {
          held.set(ends[i], [...(held.get(ends[i]) ?? []), full([size], i)]);
          for (const tensor of held.get(i) ?? []) tensor.dispose();
          held.delete(i);
          most = Math.max(most, memoryInUse() + memoryKept() - before);
        }
        for (const tensors of held.values()) for (const tensor of tensors) tensor.dispose();
      };
      for (let i = 0; i < 4; i++) step();
      expect(most).toBeLessThanOrEqual((peakMemory() * 17) / 16 - before);
      const faults = process.resourceUsage().minorPageFault;
      step();
      const written = sizes.reduce((sum, size) => sum + size * 4, 0);
      expect((process.resourceUsage().minorPageFault - faults) * 4096).toBeLessThan(written / 50);
    },
  );

  it("are given back when nobody takes them for a while", async () => {
    const idle = 30_000;
    zeros([4 * megabyte]).dispose();
    expect(memoryKept()).toBeGreaterThanOrEqual(16 * megabyte);
    native().keepMemoryFor(1);
    await sleep(5);
    zeros([megabyte]).dispose();
    expect(memoryKept()).toBeLessThan(16 * megabyte);
    native().keepMemoryFor(idle);
  });
});

describe("denormal numbers", () => {
  it("are zero in libtorch, on every thread, and remain in JavaScript", () => {
    const threads = numThreads();
    const many = 400_000;
    for (const count of [1, threads]) {
      setNumThreads(count);
      const tiny = full([many], 1e-30).mul(1e-10);
      expect(tiny.ne(0).sum().item()).toBe(0);
    }
    const smallest = tensor(Float64Array.of(5e-324), [1]);
    expect(smallest.mul(1).item()).toBe(0);
    expect(5e-324 * Number(process.argv.length > 0) > 0).toBe(true);
    expect(Math.fround(Number(1e-30)) * 1e-10 > 0).toBe(true);
    expect(numThreads()).toBe(threads);
  });
});
