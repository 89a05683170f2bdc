import { COLOURS, font, nameAxis, renderChart, title, valueAxis } from "../../packages/pspnet/src/report/chart.js";
import type { ScaleRecord } from "./scaleRecord.js";
import { CHANGES, efficiency, fleets, RANKS, RATES } from "./scaleTables.js";

const WIDTH = 420;
const HEIGHT = 260;
const GAP = 90;
const TOP = 92;
const LOOKS = [COLOURS.orange, COLOURS.paleBlue, COLOURS.blue, COLOURS.green];

/** Predicted efficiency by ranks, a panel for each kind of machine and a line for each rate, as SVG. */
export function scaleSvg(record: ScaleRecord): Promise<string> {
  const panels = fleets(record);
  const left = (panel: number) => 70 + panel * (WIDTH + GAP);
  const option = {
    title: panels.map(({ name }, i) =>
      title(name, { left: left(i), subtext: i === 0 ? "share of perfect growth, predicted" : "" }),
    ),
    legend: { data: panels.length > 0 ? RATES.map(lineName) : [], left: left(0) - 6, top: 60, textStyle: font(13) },
    grid: panels.map((_, i) => ({ left: left(i), top: TOP, width: WIDTH, height: HEIGHT })),
    xAxis: panels.map((_, i) => ({
      ...nameAxis(RANKS.map(String), { fontSize: 12 }),
      gridIndex: i,
      name: "ranks",
      nameGap: 30,
    })),
    yAxis: panels.map((_, i) => ({ ...valueAxis("efficiency", { nameGap: 44, min: 0, max: 1 }), gridIndex: i })),
    series: panels.flatMap((fleet, panel) =>
      RATES.map((gigabits, i) => ({
        type: "line",
        name: lineName(gigabits),
        xAxisIndex: panel,
        yAxisIndex: panel,
        silent: true,
        symbolSize: 6,
        color: LOOKS[i],
        lineStyle: { width: 2 },
        data: RANKS.map((ranks) => efficiency(fleet, { ranks, gigabits }, CHANGES[0])),
      })),
    ),
  };
  const width = left(panels.length) - GAP + 30;
  return renderChart(option, { width: Math.max(width, 300), height: TOP + HEIGHT + 56 });
}

const lineName = (gigabits: number) => `${gigabits} Gbit/s`;
