import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { scaleSvg } from "./scaleChart.js";
import { withScale } from "./scaleMarkdown.js";
import { allReduceSeconds } from "./scaleModel.js";
import {
  type Measured,
  type MeasuredStep,
  networkOf,
  predictionOf,
  type Row,
  type ScaleRecord,
  summary,
} from "./scaleRecord.js";
import { CHANGES, efficiency, fleets } from "./scaleTables.js";

const CASE = {
  layers: 18,
  size: 129,
  batch: 2,
  ranks: 2,
  threads: 1,
  wire: "fp32",
  bucket: 25,
  link: {},
  steps: 2,
} as const;

const step = (seconds: number, more: Partial<MeasuredStep> = {}): MeasuredStep => ({
  seconds,
  timings: {
    buckets: [{ bytes: 1e6, sent: 0.5 * seconds, done: 0.75 * seconds }],
    computed: 0.8 * seconds,
    finished: 0.9 * seconds,
  },
  sending: 0.25 * seconds,
  overlapped: 0.25 * seconds,
  sums: { count: 10, seconds: 0.1 * seconds },
  sent: 1e6,
  received: 1e6,
  ...more,
});
const probe = { sum: 5e-5, small: 1e-4, bucket: { bytes: 1e6, seconds: 0.0102, processor: 0.002 } };
const TURNS: Measured = {
  alone: [[step(1), step(9), step(1)], [step(2)]],
  gathered: [[step(1)], [step(2)]],
  together: [[step(2)], [step(2)]],
  beside: [],
  probe: [probe, probe],
};
const MEASURED = summary(TURNS);
const row = (changes: Partial<Row> = {}): Row => ({
  case: CASE,
  date: "2026-01-02T03:04:05Z",
  commit: "abc1234",
  network: "namespaces",
  ...MEASURED,
  ...changes,
});
/** A message more in 10 microseconds. */
const FOUR = row({ case: { ...CASE, ranks: 4 }, probe: { ...probe, sum: 7e-5 } });
const RECORD: ScaleRecord = {
  machine: {
    processor: "A processor",
    cores: 2,
    memoryGB: 8,
    system: "linux 6",
    node: "20.9.0",
    libtorch: "2.15.0",
    level: "avx2",
    instructions: ["AVX2"],
  },
  rows: { two: row(), four: FOUR, machine: row({ case: { ...CASE, ranks: 1, threads: 2 } }) },
  wire: {
    "wire-2": {
      case: CASE,
      error: {
        gradients: 0.002,
        worst: { name: "cls.0.weight", error: 0.01 },
        steps: 20,
        lr: 0.01,
        loss: 2,
        lossOff: 0.02,
        lossOffByRounding: 0.01,
      },
    },
  },
  gpu: { seconds: 0.1, batch: 16, what: "a GPU" },
};

describe("a row", () => {
  it("is medians over steps, and means over ranks", () => {
    expect(MEASURED).toMatchObject({ alone: 1.5, together: 2, sent: 1e6, sums: { count: 10, seconds: 0.2 } });
    expect(MEASURED.profile).toMatchObject({ seconds: 1.5, computed: expect.closeTo(1.2), sums: 10 });
    expect(MEASURED.profile.buckets).toEqual([{ bytes: 1e6, ready: 0.75 }]);
  });

  it("is what one process takes step by step in turns, where one was asked", () => {
    expect(MEASURED.beside).toBeUndefined();
    const beside = [[step(4), step(1), step(2)]];
    const together = [
      [step(4), step(2), step(2)],
      [step(6), step(2), step(2)],
    ];
    expect(summary({ ...TURNS, together, beside }).beside).toEqual({ seconds: 2, shares: [1.25, 2, 1] });
  });

  it("says by its collectives what its network is like", () => {
    // 8192 bytes in 0.1 ms, 1e6 in 10.2.
    const network = networkOf(row(), 2);
    expect(network.bandwidth).toBeCloseTo((1e6 - 8192) / 0.0101);
    expect(allReduceSeconds(8192, 2, network)).toBeCloseTo(1e-4, 9);
    expect(allReduceSeconds(1e6, 2, network)).toBeCloseTo(0.0102, 9);
    expect(network.processor).toBeCloseTo(2e-9, 12);
    // Each rank has two cores: who sends takes none that computes.
    expect(networkOf(row(), 4).processor).toBe(0);
  });

  it("is predicted by what one rank takes", () => {
    const { seconds, summing } = predictionOf(row(), 4);
    expect(summing).toBeCloseTo(10 * 5e-5, 9);
    // The bucket goes while backward goes on.
    expect(seconds).toBeCloseTo(1.5 + 0.0005, 4);
  });
});

describe("many machines", () => {
  const [cpu, gpu] = fleets(RECORD);

  it("are not told of before one was measured", () => {
    expect(fleets({ ...RECORD, rows: {} })).toEqual([]);
    expect(fleets({ ...RECORD, gpu: undefined })).toHaveLength(1);
  });

  it("have links that are no faster than a processor sends", () => {
    expect(cpu.network(1).bandwidth).toBeCloseTo((1e6 - 8192) / 0.0101);
    expect(cpu.network(0.1).bandwidth).toBe(0.1e9 / 8);
    expect(gpu.network(400).bandwidth).toBe(50e9);
  });

  it("have sums of batch norm that take a message more a rank", () => {
    expect(cpu.network(1).sum!(2)).toBeCloseTo(5e-5, 9);
    expect(cpu.network(1).sum!(12)).toBeCloseTo(15e-5, 9);
    expect(cpu.inside.sum!(12)).toBeCloseTo(15e-5, 9);
    expect(gpu.network(1).sum).toBeUndefined();
  });

  it("are less efficient the more they are and the slower their links", () => {
    for (const fleet of [cpu, gpu]) {
      const at = (ranks: number, gigabits: number) => efficiency(fleet, { ranks, gigabits }, CHANGES[0]);
      expect(at(8, 1)).toBeGreaterThan(at(1024, 1));
      expect(at(64, 400)).toBeGreaterThanOrEqual(at(64, 1));
      expect(at(8, 400)).toBeLessThanOrEqual(1);
    }
  });

  it("win by sending fewer bytes where the link is the wall", () => {
    const narrow = { ranks: 4, gigabits: 0.001 };
    const [as, , , half] = CHANGES;
    expect(half.name).toBe("`wire=bf16`");
    expect(efficiency(cpu, narrow, half) / efficiency(cpu, narrow, as)).toBeGreaterThan(1.2);
  });
});

describe("the page", () => {
  const marks = "<!-- what follows is written by scripts/bench/scale.ts -->\nold\n<!-- and ends here -->";
  const page = withScale(`Above\n${marks}\nBelow\n`, { name: "name", record: RECORD });

  it("has what was measured and what is predicted between what is written by hand", () => {
    expect(page).toMatch(/^Above\n<!--[\s\S]*A processor with AVX2, 2 cores[\s\S]*-->\nBelow\n$/);
    expect(page).not.toContain("old");
    expect(page).toContain("| PSPNet-18 129, 2 | 2 | no limit | 1.0 |");
    expect(page).toContain("| 1024 | ");
    expect(withScale(page, { name: "name", record: RECORD })).toBe(page);
  });

  it("has what ranks take beside one of as many threads", () => {
    const large = row({ beside: { seconds: 2, shares: [1, 1.2, 1.1] } });
    const text = withScale(page, { name: "name", record: { ...RECORD, rows: { ...RECORD.rows, large } } });
    expect(text).toContain(
      "one rank with 2 threads and batch 4 takes 2.00 s, 2 ranks of 1 take **1.10** of that (1.00 to 1.20",
    );
  });

  it("is what the JSON makes of it", async () => {
    const docs = fileURLToPath(new URL("../../docs", import.meta.url));
    const real = readFileSync(`${docs}/scale.md`, "utf8");
    const [, name] = /scale\/([\w-]+)\.svg/.exec(real)!;
    const record = JSON.parse(readFileSync(`${docs}/scale/${name}.json`, "utf8"));
    expect(withScale(real, { name, record })).toBe(real);
    const anyNumber = (svg: string) => svg.replaceAll(/\bzr\d+-(?:cls-\d+)?/g, "class");
    expect(anyNumber(await scaleSvg(record))).toBe(anyNumber(readFileSync(`${docs}/scale/${name}.svg`, "utf8")));
  });
});

it("the chart has a panel for each kind of machine, and a line for each rate", async () => {
  const svg = await scaleSvg(RECORD);
  for (const { name } of fleets(RECORD)) expect(svg).toContain(name);
  expect(svg).toContain("400 Gbit/s");
});
