import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { modelCost, pspnetConfig } from "pspnet";
import { describe, expect, it } from "vitest";
import { benchmarksSvg } from "./chart.js";
import { limitedLevel, limitedTo } from "./limits.js";
import { resultTable, withMachines } from "./markdown.js";
import { type MachineRecord, type Measured, readRecord, withWork } from "./record.js";
import { missingOf, resultsOf } from "./results.js";
import { IMAGE_MACS, WORKS } from "./works.js";

const work = WORKS.find(({ id }) => id === "image-fp32")!;
const timed = (seconds: number[], more = {}): Measured => ({ command: "", seconds, peakMB: 100, ...more });
const MEASURED = {
  date: "2026-01-02T03:04:05Z",
  commit: "abc1234",
  cases: {
    ours: timed([2, 9, 4]),
    pytorch: timed([4, 9, 10]),
    onnxruntime: timed([3, 30, 5]),
    openvino: timed([4, 4, 8], { version: "2026.4.1-22982-long" }),
    compile: { command: "", missing: "No module named 'triton'" },
    product: timed([1, 1, 1], { macs: IMAGE_MACS / 3 }),
    productPytorch: timed([2, 2, 2], { macs: IMAGE_MACS }),
  },
};
const RECORD: MachineRecord = {
  machine: {
    processor: "A <B>",
    cores: 2,
    memoryGB: 8,
    system: "linux 6",
    node: "20.9.0",
    libtorch: "2.15.0",
    level: "amx",
    instructions: ["AVX2"],
  },
  measured: { all: { "image-fp32": MEASURED }, AVX2: { "image-fp32": MEASURED } },
};

describe("results", () => {
  const results = resultsOf(work, MEASURED, "avx2");
  const of = (against: string) => results.find((result) => result.against === against);

  it("compares round by round", () => {
    expect(of("PyTorch")).toMatchObject({ ratio: 0.5, range: [0.4, 1], aim: 0.45, ours: { seconds: 4 } });
  });

  it("takes the runtime with the smallest median", () => {
    expect(of("the fastest other runtime")).toMatchObject({
      theirs: { name: "OpenVINO", seconds: 4 },
      ratio: 0.5,
      range: [0.5, 2.25],
    });
  });

  it("takes the faster matrix product for the limit", () => {
    const limit = of("118 GMAC at a matrix product's rate")!;
    expect(limit.theirs.name).toBe("matrix product in PyTorch");
    expect(limit).toMatchObject({ ratio: 2, range: [1, 4.5] });
  });

  it("leaves out rows of which a side is missing, and says so", () => {
    expect(of("int8 beside pspnet")).toBeUndefined();
    expect(missingOf(work, MEASURED)).toEqual([`${work.title}, torch.compile: No module named 'triton'`]);
  });

  it("wants of a limited processor what such a one is wanted to do", () => {
    expect(limitedLevel(RECORD.machine, "all")).toBe("amx");
    expect(limitedLevel(RECORD.machine, "AVX512_CORE")).toBe("avx512");
    expect(limitedLevel(RECORD.machine, "AVX2")).toBe("avx2");
    expect(limitedTo("all")).toEqual({});
    expect(limitedTo("AVX2")).toEqual({ ONEDNN_MAX_CPU_ISA: "AVX2", ATEN_CPU_CAPABILITY: "avx2" });
  });

  it("counts no more multiply-adds than pspnet models", () => {
    const config = pspnetConfig({ layers: 50, classes: 150, aux: false });
    const { factorised } = modelCost(config, { height: 473, width: 473 });
    expect(IMAGE_MACS / 1e9 / factorised).toBeGreaterThan(0.9);
    expect(IMAGE_MACS / 1e9 / factorised).toBeLessThan(1);
  });
});

it("every row compares cases that there are", () => {
  for (const { cases, rows } of WORKS)
    for (const { ours, theirs } of rows) for (const id of [ours, ...theirs]) expect(cases).toHaveProperty([id]);
});

it("a work that is measured again leaves the others", () => {
  const again = withWork(RECORD, { instructions: "AVX2", work: "step-fp32", measured: MEASURED });
  expect(Object.keys(again.measured.AVX2)).toEqual(["image-fp32", "step-fp32"]);
  expect(again.measured.all).toEqual(RECORD.measured.all);
});

describe("the page", () => {
  it("shows rows that are lost or missed", () => {
    const table = resultTable(resultsOf(work, MEASURED, "avx2"));
    expect(table).toContain("| 0.50 | 0.40 to 1.00 | 0.45, missed |");
    expect(table).toContain("| **2.00, slower** |");
  });

  it("has a section for each machine between what is written by hand", () => {
    const marks = "<!-- what follows is written by scripts/bench/all.ts -->\nold\n<!-- and ends here -->";
    const page = withMachines(`Above\n${marks}\nBelow\n`, new Map([["name", RECORD]]));
    expect(page).toMatch(
      /^Above\n<!--[\s\S]*## A <B> with AVX2, 2 cores\n[\s\S]*OpenVINO 2026\.4\.1\.[\s\S]*### As with AVX2\n[\s\S]*-->\nBelow\n$/,
    );
    expect(page).not.toContain("old");
    expect(withMachines(page, new Map([["name", RECORD]]))).toBe(page);
  });

  it("is what its machines' JSON makes of it", async () => {
    const docs = fileURLToPath(new URL("../../docs", import.meta.url));
    const names = readdirSync(`${docs}/benchmarks`).filter((name) => name.endsWith(".json"));
    const records = new Map(names.sort().map((name) => [name.slice(0, -5), readRecord(`${docs}/benchmarks/${name}`)!]));
    expect(records.size).toBeGreaterThan(0);
    const page = readFileSync(`${docs}/benchmarks.md`, "utf8");
    expect(withMachines(page, records)).toBe(page);
    for (const [name, record] of records)
      expect(anyNumber(await benchmarksSvg(record))).toBe(
        anyNumber(readFileSync(`${docs}/benchmarks/${name}.svg`, "utf8")),
      );
  });
});

/** echarts counts the charts of a process, and what they have, in the names of classes. */
function anyNumber(svg: string): string {
  return svg.replaceAll(/\bzr\d+-cls-\d+/g, "class");
}

it("the chart has a bar for each row and set of instructions, lost ones in orange", async () => {
  const svg = await benchmarksSvg(RECORD);
  expect(svg).toMatch(/^<svg /);
  expect(svg).toContain("A &lt;B&gt; with AVX2, 2 cores");
  for (const { against } of resultsOf(work, MEASURED, null)) expect(svg).toContain(against.replace("'", "&#39;"));
  expect(svg.match(/fill="#d55e00"/g)).toHaveLength(2);
  expect(svg.match(/>0\.50</g)!.length).toBe(4);
});
