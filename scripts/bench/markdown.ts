/** docs/benchmarks.md's parts that are made of what machines have measured. */
import { limitedLevel } from "./limits.js";
import { type Instructions, type MachineRecord, type MeasuredWork, titleOf } from "./record.js";
import { missingOf, type Result, resultsOf } from "./results.js";
import { WORKS } from "./works.js";

const BEGIN = "<!-- what follows is written by scripts/bench/all.ts -->";
const END = "<!-- and ends here -->";

/** The page with its machines' sections made anew. */
export function withMachines(page: string, records: ReadonlyMap<string, MachineRecord>): string {
  const [head, rest] = page.split(BEGIN);
  const tail = rest.split(END)[1];
  const sections = [...records].map(([name, record]) => machineSection(name, record));
  return `${head}${[BEGIN, ...sections, commands(), END].join("\n\n")}${tail}`;
}

/** All rows of a machine, by the instructions that libtorch had. */
export function resultsBy({ machine, measured }: MachineRecord): Map<Instructions, Result[]> {
  return new Map(
    Object.entries(measured).map(([instructions, works]) => [
      instructions,
      measuredWorks(works).flatMap(([work, found]) => resultsOf(work, found, limitedLevel(machine, instructions))),
    ]),
  );
}

function measuredWorks(works: Readonly<Record<string, MeasuredWork>>) {
  return WORKS.flatMap((work) => (works[work.id] ? [[work, works[work.id]] as const] : []));
}

function machineSection(name: string, record: MachineRecord): string {
  const { memoryGB, instructions, node, libtorch, system } = record.machine;
  const parts = [...resultsBy(record)].flatMap(([limit, results]) => [
    `### ${instructionsTitle(limit)}`,
    resultTable(results),
    ...notes(record.measured[limit]),
  ]);
  return [
    `## ${titleOf(record.machine)}`,
    `${instructions.join(", ")}; ${memoryGB} GB; ${system}; Node ${node}; libtorch ${libtorch}; ${versions(record)}. ${commits(record)}`,
    `![our time as a share of theirs](benchmarks/${name}.svg)`,
    ...parts,
  ].join("\n\n");
}

export function instructionsTitle(limit: Instructions): string {
  return limit === "all" ? "As it is" : `As with ${limit}`;
}

/** A row that is lost is told in bold. */
export function resultTable(results: readonly Result[]): string {
  const rows = results.map(({ work, against, ours, theirs, ratio, range, aim }) => [
    work,
    against,
    seconds(ours.seconds),
    `${seconds(theirs.seconds)} (${theirs.name})`,
    ratio >= 1 ? `**${ratio.toFixed(2)}, slower**` : ratio.toFixed(2),
    range.map((value) => value.toFixed(2)).join(" to "),
    aim === undefined ? "" : `${aim.toFixed(2)}${ratio > aim + 0.005 ? ", missed" : ""}`,
    `${ours.peakMB} / ${theirs.peakMB}`,
  ]);
  const head = ["work", "against", "ours, s", "theirs, s", "ours / theirs", "rounds", "wanted", "peak MB"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function seconds(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}

function notes(works: Readonly<Record<string, MeasuredWork>>): string[] {
  const lines = measuredWorks(works).flatMap(([work, found]) => missingOf(work, found));
  return lines.length === 0 ? [] : [["Not measured:", ...lines.map((line) => `- ${line}`)].join("\n")];
}

/** Of the peers, as they told it. */
function versions({ measured }: MachineRecord): string {
  const found = new Map<string, string>();
  for (const works of Object.values(measured))
    for (const [work, { cases }] of measuredWorks(works))
      for (const [id, one] of Object.entries(cases))
        if ("version" in one && one.version)
          found.set(work.cases[id].name, /^[\d.]+/.exec(one.version)?.[0] ?? one.version);
  for (const name of ["torch.compile", "test.py", "matrix product in PyTorch"]) found.delete(name);
  return [...found].map(([name, version]) => `${name} ${version}`).join(", ");
}

function commits({ measured }: MachineRecord): string {
  const works = Object.values(measured).flatMap((works) => Object.values(works));
  const dates = works.map(({ date }) => date.slice(0, 10)).sort();
  const of = [...new Set(works.map(({ commit }) => commit))].join(", ");
  return `Measured ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}, commit ${of}.`;
}

function commands(): string {
  const rows = WORKS.flatMap(({ id, title, cases }) => [
    `# ${title}: npx tsx scripts/bench/all.ts --rows ${id}`,
    ...Object.values(cases).map(({ words }) => words.join(" ")),
  ]);
  return ["## Commands", ["```sh", ...rows, "```"].join("\n")].join("\n\n");
}
