/** docs/scale.md's part that is made of what a machine has measured. */
import { median } from "../../packages/pspnet/src/bench/bench.js";
import type { Link } from "./network.js";
import { titleOf } from "./record.js";
import { type Case, predictionOf, type Row, type ScaleRecord } from "./scaleRecord.js";
import { CHANGES, efficiency, type Fleet, fleets, RANKS, RATES } from "./scaleTables.js";

const BEGIN = "<!-- what follows is written by scripts/bench/scale.ts -->";
const END = "<!-- and ends here -->";

/** The page with that part made anew. */
export function withScale(
  page: string,
  { name, record }: { readonly name: string; readonly record: ScaleRecord },
): string {
  const [head, rest] = page.split(BEGIN);
  const tail = rest.split(END)[1];
  const [as, ...changes] = CHANGES;
  const predicted = fleets(record).flatMap((fleet) => [
    `**${fleet.name}**, share of perfect growth:`,
    table(
      ["ranks", ...rates()],
      RANKS.map((ranks) => [String(ranks), ...shares(fleet, ranks, as)]),
    ),
    table(
      ["what to change", ...[64, 1024].flatMap((ranks) => rates().map((rate) => `${ranks} at ${rate}`))],
      [as, ...changes].map((change) => [change.name, ...[64, 1024].flatMap((ranks) => shares(fleet, ranks, change))]),
    ),
  ]);
  const chart = `![efficiency by ranks](scale/${name}.svg)`;
  const parts = [BEGIN, measured(record), chart, ...predicted, wireErrors(record), END];
  return `${head}${parts.join("\n\n")}${tail}`;
}

function measured({ machine, rows }: ScaleRecord): string {
  const { cores, system, node, libtorch } = machine;
  const dates = Object.values(rows).map(({ date }) => date.slice(0, 10));
  const commits = [...new Set(Object.values(rows).map(({ commit }) => commit))].join(", ");
  const head = [
    "network, batch a rank",
    "ranks",
    "link",
    "MB sent a step",
    "on the way, s",
    "hidden",
    "batch norm, s",
    "alone, s",
    "together, s",
    "efficiency",
    "predicted, s",
    "error",
  ];
  const about = `${titleOf(machine)}, ${system}, Node ${node}, libtorch ${libtorch}, ${[...new Set(dates)].join(", ")}, commit ${commits}.`;
  return [
    about,
    table(
      head,
      Object.values(rows).map((row) => cells(row, cores)),
    ),
    ...Object.values(rows).flatMap(besideOne),
  ].join("\n\n");
}

/** What as many ranks take beside one that has as much as they. */
function besideOne({ case: given, beside }: Row): string[] {
  if (!beside) return [];
  const { ranks, threads, batch } = given;
  const [least, most] = [Math.min, Math.max].map((of) => of(...beside.shares).toFixed(2));
  const one = `one rank with ${ranks * threads} threads and batch ${ranks * batch} takes ${beside.seconds.toFixed(2)} s`;
  const share = `**${median(beside.shares).toFixed(2)}** of that (${least} to ${most}, step by step in turns)`;
  return [`${work(given)}: ${one}, ${ranks} ranks of ${threads} take ${share}.`];
}

function cells(row: Row, cores: number): string[] {
  const { seconds } = predictionOf(row, cores);
  const { ranks, link } = row.case;
  return [
    work(row.case),
    String(ranks),
    ranks === 1 ? "" : linkText(link, row.network),
    (row.sent / 1e6).toFixed(1),
    row.sending.toFixed(3),
    ranks === 1 ? "" : percent(row.overlapped / row.sending),
    row.sums.seconds.toFixed(3),
    row.alone.toFixed(3),
    row.together.toFixed(3),
    percent(row.alone / row.together),
    seconds.toFixed(3),
    signed(seconds / row.together - 1),
  ];
}

function wireErrors({ wire }: ScaleRecord): string {
  const head = [
    "gradients in bf16",
    "off, all",
    "off, the worst layer",
    "loss",
    "off by bf16",
    "off by rounding alone",
  ];
  const rows = Object.values(wire).map(({ case: { ranks, size, batch }, error }) => [
    `${ranks} ranks, the scenes' network at ${size}, ${batch} a rank`,
    error.gradients.toExponential(1),
    `${error.worst.error.toExponential(1)} (\`${error.worst.name}\`)`,
    `${error.loss.toFixed(3)} after ${error.steps} steps, lr ${error.lr}`,
    error.lossOff.toExponential(1),
    error.lossOffByRounding.toExponential(1),
  ]);
  return table(head, rows);
}

function work({ layers, size, batch, threads, wire, bucket }: Case): string {
  const more = [
    ...(threads === 1 ? [] : [`${threads} threads`]),
    ...(wire === "fp32" ? [] : [`wire=${wire}`]),
    ...(bucket === 25 ? [] : [`buckets of ${bucket} MiB`]),
  ];
  return [`PSPNet-${layers} ${size}, ${batch}`, ...more].join(", ");
}

function linkText({ rate, delay }: Link, network: Row["network"]): string {
  if (network === "loopback") return "loopback";
  return [rate?.replace("gbit", " Gbit/s").replace("mbit", " Mbit/s") ?? "no limit", delay].filter(Boolean).join(", ");
}

const rates = () => RATES.map((rate) => `${rate} Gbit/s`);

function shares(fleet: Fleet, ranks: number, change: (typeof CHANGES)[number]): string[] {
  return RATES.map((gigabits) => percent(efficiency(fleet, { ranks, gigabits }, change)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? "-" : "+"}${percent(Math.abs(share))}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
