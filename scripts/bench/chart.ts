import {
  COLOURS,
  font,
  nameAxis,
  renderChart,
  textWidth,
  title,
  valueAxis,
} from "../../packages/pspnet/src/report/chart.js";
import { instructionsTitle, resultsBy } from "./markdown.js";
import { type MachineRecord, titleOf } from "./record.js";

const FONT_SIZE = 13;
const BAR = 15;
const PANEL = 520;
const LOOKS = [COLOURS.blue, COLOURS.paleBlue, COLOURS.green];

/** Our time as a share of theirs, a bar for each row and set of instructions, as SVG. Beyond 1 we are slower: orange. */
export function benchmarksSvg(record: MachineRecord): Promise<string> {
  const found = [...resultsBy(record)];
  const label = (result: { work: string; against: string }) => `${result.work}: ${result.against}`;
  const labels = [...new Set(found.flatMap(([, results]) => results.map(label)))];
  const left = textWidth(labels, FONT_SIZE);
  const panel = { left, top: 92, width: PANEL, height: labels.length * (BAR * found.length + 12) };
  const most = Math.max(1, ...found.flatMap(([, results]) => results.map(({ ratio }) => ratio)));
  const series = found.map(([instructions, results], i) => ({
    type: "bar",
    name: instructionsTitle(instructions),
    silent: true,
    color: LOOKS[i % LOOKS.length],
    barWidth: BAR,
    barGap: "10%",
    label: {
      show: true,
      position: "right",
      ...font(12),
      formatter: ({ value }: { value: number }) => value.toFixed(2),
    },
    data: labels.map((name) => {
      const result = results.find((result) => label(result) === name);
      if (!result) return { value: "-" };
      return { value: result.ratio, ...(result.ratio >= 1 && { itemStyle: { color: COLOURS.orange } }) };
    }),
    ...(i === 0 && { markLine: line() }),
  }));
  const option = {
    title: title(titleOf(record.machine), {
      left: 16,
      subtext: "our time as a share of theirs: less is faster, orange is slower",
    }),
    legend: { data: series.map(({ name }) => name), left: left - 6, top: 60, textStyle: font(13) },
    grid: panel,
    xAxis: valueAxis("ours / theirs", { nameGap: 30, min: 0, max: Math.ceil(5 * most) / 5 }),
    yAxis: nameAxis(labels, { fontSize: FONT_SIZE, inverse: true }),
    series,
  };
  return renderChart(option, { width: left + PANEL + 60, height: panel.top + panel.height + 56 });
}

/** As fast as they. */
function line() {
  const lineStyle = { color: "#222222", type: "solid", width: 1.5 };
  return { silent: true, symbol: "none", label: { show: false }, lineStyle, data: [{ xAxis: 1 }] };
}
