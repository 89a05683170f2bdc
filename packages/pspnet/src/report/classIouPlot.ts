import type { Scores } from "@pspnet/core";
import { COLOURS, font, nameAxis, renderChart, textWidth, title, valueAxis } from "./chart.js";

const WIDTH = 540;

/** The IoU of each class as a bar, the best on top, and their mean, as SVG. Classes that occur nowhere are left out. */
export function classIouSvg({ classes, meanIoU }: Scores, names: readonly string[]): Promise<string> {
  const bars = classes
    .map(({ iou, present }, id) => ({ name: names[id], iou, present }))
    .filter(({ present }) => present)
    .sort((a, b) => b.iou - a.iou);
  const labels = bars.map(({ name }) => name);
  const few = bars.length <= 40;
  const fontSize = few ? 13 : 11;
  const margin = textWidth(labels, fontSize) + 20;
  const grid = { left: margin, top: 70, width: WIDTH, height: Math.max(bars.length, 1) * (few ? 26 : 17) };
  const missing = classes.length - bars.length;
  const subtext = `mIoU ${(100 * meanIoU).toFixed(1)} % (dashed)${missing > 0 ? `; classes that occur nowhere (${missing}) count as 0` : ""}`;
  const option = {
    title: title("IoU of classes", { left: margin, subtext }),
    grid,
    xAxis: valueAxis("IoU, per cent", { nameGap: 30, min: 0, max: 100 }),
    yAxis: nameAxis(labels, { fontSize, inverse: true }),
    series: [
      {
        type: "bar",
        silent: true,
        barWidth: "70%",
        itemStyle: { color: COLOURS.blue },
        label: {
          ...font(fontSize),
          show: true,
          position: "right",
          padding: [1, 3],
          backgroundColor: "#ffffff",
          formatter,
        },
        data: bars.map(({ iou }) => 100 * iou),
        markLine: meanLine(meanIoU),
      },
    ],
  };
  return renderChart(option, { width: margin + WIDTH + 70, height: grid.top + grid.height + 56 });
}

function meanLine(meanIoU: number) {
  const lineStyle = { color: COLOURS.orange, width: 2, type: "dashed" };
  return { symbol: "none", silent: true, z: 1, label: { show: false }, lineStyle, data: [{ xAxis: 100 * meanIoU }] };
}

function formatter({ value }: { readonly value: number }): string {
  return value.toFixed(1);
}
