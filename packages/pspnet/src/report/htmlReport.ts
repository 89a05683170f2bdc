import type { ClassScore, Scores } from "@pspnet/core";
import { htmlPage } from "./htmlPage.js";
import { escapeMarkup } from "./markup.js";
import { percent } from "./table.js";

export interface ReportParts {
  readonly title: string;
  /** Label and value of the figures at the top. */
  readonly summary: readonly (readonly [label: string, value: string])[];
  readonly scores: Scores;
  /** Which validation gave them: "best, epoch 3". */
  readonly scored: string;
  readonly names: readonly string[];
  readonly curvesSvg: string;
  readonly confusionSvg: string;
  /** Paths relative to the report. */
  readonly pictures: readonly string[];
  /** Which validation they are of. */
  readonly pictured: string;
  /** What was chosen of the configuration and why, as text; null where all was given. */
  readonly plan: string | null;
  /** The configuration as text. */
  readonly config: string;
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1180px; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: .4em } h2 { margin: 2em 0 .6em; font-size: 1.2em; border-bottom: 1px solid #ddd }
.summary { display: flex; gap: 3em; flex-wrap: wrap; color: #666 } .summary b { display: block; font-size: 1.8em; color: #0072b2 }
table { border-collapse: collapse } td, th { padding: .15em 1em; text-align: right; font-variant-numeric: tabular-nums }
tr + tr td { border-top: 1px solid #eee } td:first-child, th:first-child { text-align: left; padding-left: 0 }
.bar { width: 16em; padding-right: 0 } .bar i { display: block; height: .8em; background: #0072b2 }
img, .fit svg { max-width: 100%; height: auto } .wide { overflow: auto } img { display: block; margin-bottom: 1em }
pre { background: #f6f6f6; padding: 1em; overflow: auto; font-size: 13px }
`;

/** A run on one page, without scripts and without anything from elsewhere but its own pictures. */
export function htmlReport(parts: ReportParts): string {
  const { title, summary, scores, scored, names, curvesSvg, confusionSvg, pictures, pictured, plan, config } = parts;
  const sections = [
    section("Curves", `<div class="fit">${curvesSvg}</div>`),
    ...(pictures.length > 0 ? [section(`Pictures (${escapeMarkup(pictured)})`, pictures.map(picture).join("\n"))] : []),
    section(`Classes (${escapeMarkup(scored)})`, classRows(scores, names)),
    section(`Confusion (${escapeMarkup(scored)})`, `<div class="wide">${confusionSvg}</div>`),
    ...(plan === null ? [] : [section("Plan", `<pre>${escapeMarkup(plan)}</pre>`)]),
    section("Configuration", `<pre>${escapeMarkup(config)}</pre>`),
  ];
  return htmlPage({ title, summary, style: STYLE, body: sections.join("\n") });
}

function section(heading: string, content: string): string {
  return `<h2>${heading}</h2>\n${content}`;
}

/** The parts of a path are encoded, so that no name is taken for an address or a fragment. */
function picture(path: string): string {
  const address = path.split("/").map(encodeURIComponent).join("/");
  return `<img src="${escapeMarkup(address)}" alt="${escapeMarkup(path)}" loading="lazy">`;
}

function classRows({ classes }: Scores, names: readonly string[]): string {
  const row = ({ iou, accuracy, present }: ClassScore, id: number) => {
    const figures = present ? [percent(iou), percent(accuracy)] : ["-", "-"];
    const bar = `<td class="bar"><i style="width:${percent(present ? iou : 0)}%"></i></td>`;
    return `<tr><td>${escapeMarkup(names[id])}</td>${figures.map((figure) => `<td>${figure}</td>`).join("")}${bar}</tr>`;
  };
  const head = "<tr><th>class</th><th>IoU %</th><th>accuracy %</th><th></th></tr>";
  return `<table>\n${head}\n${classes.map(row).join("\n")}\n</table>`;
}
