import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { duration, Progress } from "./progress.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds);

function output(terminal: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  const texts: string[] = [];
  return {
    ...terminal,
    write: (text: string) => texts.push(text),
    text: () => texts.join(""),
    count: () => texts.length,
  };
}

/** What a terminal shows after all that was written: lines, the live one last. */
function screen(text: string): string[] {
  const lines = [""];
  for (const [token] of text.replaceAll("\r\x1b[2K", "\r").matchAll(/[\n\r]|[^\n\r]+/g)) {
    if (token === "\n") lines.push("");
    else if (token.startsWith("\r")) lines[lines.length - 1] = "";
    else lines[lines.length - 1] += token;
  }
  return lines;
}

test.each([
  [0, "0s"],
  [12.4, "12s"],
  [59.6, "1m00s"],
  [200, "3m20s"],
  [3599.7, "1h00m"],
  [3720, "1h02m"],
  [100_000, "27h46m"],
])("%d seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));

describe("on a terminal", () => {
  const terminal = { isTTY: true, columns: 100 };

  test("one line is redrawn in place", () => {
    const stream = output(terminal);
    const progress = new Progress(stream, { label: "train", total: 100 });
    for (let i = 1; i <= 50; i++) {
      pass(1000);
      progress.update(i, { loss: "0.512", mIoU: "61.20" });
    }
    expect(screen(stream.text())).toEqual([
      `train [${"=".repeat(12)}${" ".repeat(12)}] 50/100  loss 0.512  mIoU 61.20  50s left`,
    ]);
  });

  test("it is drawn ten times a second at most, and always at the end", () => {
    const stream = output(terminal);
    const progress = new Progress(stream, { label: "train", total: 1000 });
    for (let i = 1; i <= 1000; i++) {
      pass(1);
      progress.update(i);
    }
    expect(stream.count()).toBeLessThan(30);
    expect(screen(stream.text())[0]).toContain("1000/1000");
  });

  test("lines logged in between stay whole, and the live line goes on below them", () => {
    const stream = output(terminal);
    const progress = new Progress(stream, { label: "train", total: 2 });
    progress.update(1);
    progress.log("epoch 1: mIoU 50 %");
    expect(screen(stream.text())).toEqual(["epoch 1: mIoU 50 %", expect.stringMatching(/^train .* 1\/2/)]);
    pass(1000);
    progress.update(2);
    progress.finish();
    progress.log("done");
    expect(screen(stream.text())).toEqual(["epoch 1: mIoU 50 %", expect.stringMatching(/^train .* 2\/2$/), "done", ""]);
  });

  test.each([120, 60, 50, 40, 20, 5])("the line fits %d columns", (columns) => {
    const stream = output({ isTTY: true, columns });
    const progress = new Progress(stream, { label: "train", total: 1000 });
    pass(1000);
    progress.update(10, { loss: "0.512", mIoU: "61.20", "images/s": "12.5", GB: "1.2" });
    const [line] = screen(stream.text());
    expect(line.length).toBeLessThan(columns);
    if (columns >= 40) expect(line).toMatch(/train .*10\/1000 .*loss 0\.512.* 1m39s left/);
  });

  test("without a number of all, or beyond it, what is done is counted", () => {
    const [endless, short] = [output(terminal), output()];
    const unknown = new Progress(endless, { label: "film", total: Number.POSITIVE_INFINITY });
    const estimated = new Progress(short, { label: "film", total: 2 });
    for (let i = 1; i <= 4; i++) {
      pass(1000);
      unknown.update(i, { at: "3s" });
      estimated.update(i);
    }
    estimated.finish();
    expect(screen(endless.text())).toEqual(["film 4  at 3s"]);
    expect(short.text()).toBe("film 1/2 (50 %)  1s left\nfilm 2/2 (100 %)\nfilm 4\n");
  });

  test("finishing twice leaves one line", () => {
    const stream = output(terminal);
    const progress = new Progress(stream, { label: "val", total: 1 });
    progress.update(1);
    progress.finish();
    progress.finish();
    expect(screen(stream.text())).toEqual([expect.stringMatching(/^val .* 1\/1$/), ""]);
  });
});

describe("elsewhere", () => {
  test("a plain line comes every few seconds, and at the end", () => {
    const stream = output();
    const progress = new Progress(stream, { label: "train", total: 100 });
    for (let i = 1; i <= 100; i++) {
      pass(130);
      progress.update(i, { loss: i });
    }
    progress.finish();
    const lines = stream.text().split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe("train 1/100 (1 %)  loss 1  13s left");
    expect(lines[3]).toBe("train 100/100 (100 %)  loss 100");
    expect(stream.text()).not.toMatch(/\r/);
  });

  test("a run that ends early leaves its last state, once", () => {
    const stream = output();
    const progress = new Progress(stream, { label: "train", total: 100 });
    progress.update(1);
    pass(10);
    progress.update(2);
    progress.finish();
    progress.finish();
    expect(stream.text().split("\n").slice(0, -1)).toEqual([
      expect.stringContaining("1/100"),
      expect.stringContaining("2/100"),
    ]);
  });
});

describe("time left", () => {
  const last = (text: string) => text.trimEnd().split("\n").at(-1);

  test("follows the pace of late, not the average", () => {
    const stream = output();
    const progress = new Progress(stream, { label: "train", total: 1000 });
    for (let i = 1; i <= 10; i++) {
      pass(10_000);
      progress.update(i);
    }
    for (let i = 11; i <= 500; i++) {
      pass(1000);
      progress.update(i);
    }
    expect(last(stream.text())).toMatch(/8m2\ds left$/);
  });

  test("is that of the limit when it comes before the last of all, and so is the bar", () => {
    const stream = output({ isTTY: true, columns: 100 });
    const limit = { from: performance.now() - 40_000, seconds: 60 };
    const progress = new Progress(stream, { label: "train", total: 1000, start: 100, limit });
    pass(5000);
    progress.update(110);
    expect(screen(stream.text())).toEqual([`train [${"=".repeat(18)}${" ".repeat(6)}] 110/1000  15s left`]);
    pass(5000);
    progress.update(995);
    expect(screen(stream.text())[0]).toMatch(/\[={24}\] 995\/1000 {2}0s left$/);
  });

  test("is known from the limit alone, and none is left after it", () => {
    const stream = output();
    const progress = new Progress(stream, {
      label: "train",
      total: 1000,
      limit: { from: performance.now(), seconds: 60 },
    });
    progress.update(0);
    expect(last(stream.text())).toBe("train 0/1000 (0 %)  1m00s left");
    pass(61_000);
    progress.update(1);
    expect(last(stream.text())).toBe("train 1/1000 (100 %)");
  });

  test("counts neither what was done before a resume nor a pause", () => {
    const stream = output();
    const progress = new Progress(stream, { label: "train", total: 1000, start: 900 });
    pass(5000);
    progress.update(905);
    progress.finish();
    pass(1_000_000);
    progress.update(906);
    expect(last(stream.text())).toBe("train 906/1000 (90 %)  1m34s left");
  });
});
