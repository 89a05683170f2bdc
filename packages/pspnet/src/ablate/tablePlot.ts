import { COLOURS, nameAxis, renderChart, textWidth, title, valueAxis } from "../report/chart.js";
import type { RowResult, TableResult } from "./summary.js";

const PANEL = 330;
const GAP = 44;
const ROW_HEIGHT = 34;
const FONT_SIZE = 13;

/** The mean IoU of a table's rows, with every seed and the standard deviation, beside the paper's, as SVG. */
export function tableSvg({ number, title: what, rows }: TableResult): Promise<string> {
  const labels = rows.map(({ label }) => label);
  const left = textWidth(labels, FONT_SIZE) + 20;
  const panel = { top: 76, width: PANEL, height: rows.length * ROW_HEIGHT };
  const right = left + PANEL + GAP;
  const axes = { fontSize: FONT_SIZE, inverse: true, splitLine: { show: true, lineStyle: { color: "#f0f0f0" } } };
  const means = rows.flatMap(({ meanIoU }, i) => (meanIoU ? [[meanIoU.mean, i]] : []));
  const papers = rows.map(({ paper }, i) => [paper.meanIoU, i]);
  const option = {
    title: [
      title(`Table ${number}: ${what}`, { left: 16 }),
      title(" ", { left, subtext: "measured: every seed, mean and standard deviation" }),
      title(" ", { left: right, subtext: "the paper, ADE20K" }),
    ],
    grid: [
      { ...panel, left },
      { ...panel, left: right },
    ],
    xAxis: [0, 1].map((gridIndex) => valueAxis("mIoU, per cent", { nameGap: 30, gridIndex, scale: true })),
    yAxis: [nameAxis(labels, axes), { ...nameAxis(labels, { ...axes, gridIndex: 1 }), axisLabel: { show: false } }],
    series: [
      ...rows.flatMap(deviation),
      dots(
        rows.flatMap(({ values }, i) => values.map((value) => [value, i])),
        { color: COLOURS.paleBlue, symbolSize: 8 },
      ),
      dots(means, { color: COLOURS.blue, symbolSize: 12 }),
      { ...dots(papers, { color: COLOURS.orange, symbolSize: 12 }), xAxisIndex: 1, yAxisIndex: 1 },
    ],
  };
  return renderChart(option, { width: right + PANEL + 40, height: panel.top + panel.height + 56 });
}

function dots(data: readonly (readonly number[])[], look: { readonly color: string; readonly symbolSize: number }) {
  return { type: "scatter", silent: true, ...look, data };
}

function deviation({ meanIoU }: RowResult, row: number) {
  if (!meanIoU?.deviation) return [];
  const { mean, deviation } = meanIoU;
  const data = [mean - deviation, mean + deviation].map((end) => [end, row]);
  return [{ type: "line", silent: true, symbol: "none", lineStyle: { width: 3, color: COLOURS.blue }, data }];
}
