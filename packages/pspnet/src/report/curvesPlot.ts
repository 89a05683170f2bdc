import { COLOURS, font, renderChart, title, valueAxis } from "./chart.js";

export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly lr: number;
}

/** Scores are shares, 0 to 1. */
export interface EpochPoint {
  readonly epoch: number;
  readonly meanIoU: number;
  readonly pixelAccuracy: number;
}

export interface Curves {
  readonly steps: readonly StepPoint[];
  readonly epochs: readonly EpochPoint[];
}

const SIZE = { width: 1170, height: 440 };
const PANELS = [
  { left: 70, width: 430, top: 84, height: 290 },
  { left: 690, width: 430, top: 84, height: 290 },
];
/** Legend of lines without points. */
const STROKES = { icon: "rect", itemWidth: 22, itemHeight: 4 };
/** Points that a panel can show apart. */
const RESOLUTION = 800;

/** Loss and learning rate of the steps beside the validation scores of the epochs, as SVG. */
export function curvesSvg({ steps, epochs }: Curves): Promise<string> {
  const points = thin(steps.filter(({ loss }) => Number.isFinite(loss)));
  const option = {
    title: [title("Training", PANELS[0]), title("Validation", PANELS[1])],
    legend: [
      { ...legend(["loss", "smoothed loss", "learning rate"], PANELS[0]), ...STROKES },
      legend(["pixel accuracy", "mIoU"], PANELS[1]),
    ],
    grid: PANELS,
    xAxis: [
      valueAxis("step", {
        nameGap: 30,
        max: points.at(-1)?.step ?? 1,
        minInterval: 1,
      }),
      valueAxis("epoch", { nameGap: 30, gridIndex: 1, minInterval: 1, ...epochRange(epochs) }),
    ],
    yAxis: [
      valueAxis("loss", { nameGap: 44, min: 0, max: lossCeiling(points) }),
      valueAxis("learning rate", { nameGap: 62, min: 0, position: "right", splitLine: { show: false } }),
      valueAxis("per cent", { nameGap: 44, gridIndex: 1, min: 0, max: 100 }),
    ],
    series: [...trainingSeries(points), ...validationSeries(epochs)],
  };
  return renderChart(option, SIZE);
}

function trainingSeries(points: readonly StepPoint[]) {
  const { blue, paleBlue, orange } = COLOURS;
  const loss = points.map(({ step, loss }) => [step, loss]);
  const lr = points.map(({ step, lr }) => [step, lr]);
  const single = points.length === 1 ? { symbol: "circle", symbolSize: 7 } : {};
  return [
    { ...line("loss", paleBlue), lineStyle: { width: 1, color: paleBlue }, data: loss },
    { ...line("smoothed loss", blue), ...single, data: smooth(points) },
    { ...line("learning rate", orange), lineStyle: { width: 2, type: "dashed" }, yAxisIndex: 1, data: lr },
  ];
}

function validationSeries(epochs: readonly EpochPoint[]) {
  const panel = { xAxisIndex: 1, yAxisIndex: 2, showSymbol: epochs.length <= 60, symbolSize: 7 };
  const scores = (key: "meanIoU" | "pixelAccuracy") => epochs.map((point) => [point.epoch, 100 * point[key]]);
  return [
    { ...line("pixel accuracy", COLOURS.green), ...panel, symbol: "rect", data: scores("pixelAccuracy") },
    { ...line("mIoU", COLOURS.blue), ...panel, symbol: "circle", data: scores("meanIoU"), markPoint: best(epochs) },
  ];
}

/** Marks the highest mIoU with its value. */
function best(epochs: readonly EpochPoint[]) {
  if (epochs.length === 0) return undefined;
  const { epoch, meanIoU } = epochs.reduce((top, point) => (point.meanIoU > top.meanIoU ? point : top));
  const [first, last] = [epochs[0].epoch, epochs[epochs.length - 1].epoch];
  const share = last > first ? (epoch - first) / (last - first) : 0.5;
  const label = {
    ...font(13, COLOURS.blue),
    fontWeight: "bold",
    formatter: `best ${(100 * meanIoU).toFixed(1)} %`,
    position: meanIoU > 0.15 ? "bottom" : "top",
    align: share > 0.85 ? "right" : share < 0.15 ? "left" : "center",
    distance: 8,
  };
  const itemStyle = { color: COLOURS.blue, borderColor: "#ffffff", borderWidth: 2 };
  return { symbol: "circle", symbolSize: 12, itemStyle, label, data: [{ coord: [epoch, 100 * meanIoU] }] };
}

function legend(names: readonly string[], { left }: { readonly left: number }) {
  return { data: [...names], left: left - 6, top: 38, itemGap: 18, textStyle: font(13) };
}

function line(name: string, color: string) {
  return { type: "line", name, silent: true, symbol: "none", color, lineStyle: { width: 2.5, color } };
}

function epochRange(epochs: readonly EpochPoint[]) {
  if (epochs.length === 0) return { min: 0, max: 1 };
  const [first, last] = [epochs[0].epoch, epochs[epochs.length - 1].epoch];
  return first === last ? { min: first - 1, max: last + 1 } : { min: first, max: last };
}

/** The means of groups of neighbours, so that there are not more points than can be seen. */
function thin(steps: readonly StepPoint[]): StepPoint[] {
  const size = Math.ceil(steps.length / RESOLUTION) || 1;
  return Array.from({ length: Math.ceil(steps.length / size) }, (_, i) => {
    const group = steps.slice(i * size, (i + 1) * size);
    const mean = (key: "loss" | "lr") => group.reduce((sum, point) => sum + point[key], 0) / group.length;
    return { step: group[group.length - 1].step, loss: mean("loss"), lr: mean("lr") };
  });
}

/** The mean of two exponential moving averages, one from either end, so that the curve does not lag behind. */
function smooth(points: readonly StepPoint[]): number[][] {
  const losses = points.map(({ loss }) => loss);
  const forth = movingAverage(losses);
  const back = movingAverage(losses.toReversed()).reverse();
  return points.map(({ step }, i) => [step, (forth[i] + back[i]) / 2]);
}

/** Over about a fortieth of the values, five at least, without the pull of a first one. */
function movingAverage(values: readonly number[]): number[] {
  const kept = 1 - 1 / Math.max(5, values.length / 40);
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = kept * sum + value;
    weight = kept * weight + 1;
    return sum / weight;
  });
}

/** A few outliers at the start shall not flatten the curve: the 99th percentile with room above it. */
function lossCeiling(points: readonly StepPoint[]): number {
  if (points.length === 0) return 1;
  const losses = points.map(({ loss }) => loss).sort((a, b) => a - b);
  const high = 1.1 * losses[Math.floor(0.99 * (losses.length - 1))];
  const unit = 10 ** Math.floor(Math.log10(high || 1));
  return (Math.ceil((2 * high) / unit) * unit) / 2 || 1;
}
