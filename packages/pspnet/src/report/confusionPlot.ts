import type { ConfusionMatrix } from "@pspnet/core";
import { font, nameAxis, renderChart, textWidth, title } from "./chart.js";

/** From nothing to all in one hue, ever darker: readable with any colour vision, and in print. */
const SCALE = ["#ffffff", "#d6e6f4", "#abcfe6", "#6aaed6", "#3787c0", "#105ba4", "#08306b"];
const ABSENT = "#eeeeee";
/** The largest matrix whose figures are written into its cells. */
const MOST_FIGURES = 24;
/** Shares below it, in per cent, stay white: 150 classes have 22,500 cells, nearly all of them empty. */
const LEAST = 0.5;

/**
 * The confusion matrix as SVG: rows are true classes, the shares of a row sum to 100 %. Up to 24 classes have the figures in
 * the cells. Rows of classes that the labels never have are grey.
 */
export function confusionSvg(confusion: ConfusionMatrix, names: readonly string[]): Promise<string> {
  const { classes } = confusion;
  const figures = classes <= MOST_FIGURES;
  const cell = figures
    ? Math.min(80, Math.max(36, Math.floor(440 / classes)))
    : Math.max(12, Math.floor(720 / classes));
  const fontSize = figures ? 13 : Math.min(13, cell - 2);
  const margin = textWidth(names, fontSize) + 16;
  const side = cell * classes;
  const grid = { left: margin + 32, top: 64, width: side, height: side, show: true, borderColor: "#bbbbbb" };
  const lines = { show: true, lineStyle: { color: "#f0f0f0", width: 1 } };
  const axis = { fontSize, axisLine: { show: false }, splitLine: lines, nameGap: margin };
  const option = {
    title: title("Confusion of classes", { left: grid.left, subtext: "per cent of each true class's pixels" }),
    grid,
    xAxis: nameAxis(names, { ...axis, name: "predicted class", rotate: 90 }),
    yAxis: nameAxis(names, { ...axis, name: "true class", inverse: true }),
    visualMap: {
      type: "continuous",
      min: 0,
      max: 100,
      left: grid.left + side + 24,
      top: grid.top - 6,
      itemHeight: Math.min(200, Math.max(side - 50, 60)),
      itemWidth: 14,
      text: ["100 %", "0 %"],
      textStyle: font(12),
      inRange: { color: SCALE },
    },
    series: [{ type: "heatmap", silent: true, data: cells(confusion), label: cellLabel(figures) }],
  };
  return renderChart(option, { width: Math.max(grid.left + side + 100, 400), height: grid.top + side + margin + 34 });
}

function cells({ classes, counts }: ConfusionMatrix) {
  const found = [];
  for (let truth = 0; truth < classes; truth++) {
    const row = counts.subarray(truth * classes, (truth + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0);
    for (let guess = 0; guess < classes; guess++) {
      const share = (100 * row[guess]) / total;
      if (total === 0) {
        const label = { show: false };
        found.push({ value: [guess, truth, 0], visualMap: false, itemStyle: { color: ABSENT }, label });
      } else if (share >= LEAST) {
        const label = { color: share > 55 ? "#ffffff" : "#222222" };
        found.push({ value: [guess, truth, share], label });
      }
    }
  }
  return found;
}

function cellLabel(show: boolean) {
  const formatter = ({ value }: { readonly value: readonly number[] }) => value[2].toFixed(0);
  return { ...font(12), show, formatter };
}
