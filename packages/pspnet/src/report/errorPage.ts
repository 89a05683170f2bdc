import type { ClassList, ObjectScore, Scores } from "@pspnet/core";
import type { ConfusionPair, ImageErrors } from "./errorLog.js";
import { SCRIPT, STYLE } from "./errorPageParts.js";
import { htmlPage } from "./htmlPage.js";
import { escapeMarkup } from "./markup.js";
import { percent } from "./table.js";

export interface ErrorPageParts {
  readonly title: string;
  /** Label and value of the figures at the top. */
  readonly summary: readonly (readonly [label: string, value: string])[];
  /** How the images were looked at, in words. */
  readonly protocol: string;
  readonly classes: ClassList;
  readonly scores: Scores;
  /** Boundary IoU of each class. */
  readonly boundary: readonly (number | null)[];
  readonly objects: readonly ObjectScore[];
  readonly pairs: readonly ConfusionPair[];
  /** Those that have pictures, in the order in which they are listed. */
  readonly images: readonly ShownImage[];
  /** How many were evaluated. */
  readonly evaluated: number;
}

export interface ShownImage extends ImageErrors {
  /** Where its pictures are: their common path, relative to the page, without ".jpg", ".truth.png", ".prediction.png" and ".errors.png". */
  readonly pictures: string;
}

/** Looking at errors: one page of plain files, without a server and without anything from elsewhere but its own pictures. */
export function errorPage(parts: ErrorPageParts): string {
  const { title, summary, protocol, classes, images, evaluated } = parts;
  const shown = images.length < evaluated ? `${images.length} of ${evaluated} images, the worst first` : "worst first";
  const body = `<p>${escapeMarkup(protocol)}</p>
<main>
<section aria-label="images">
<h2>Images <small id="shown" data-all="${shown}">${shown}</small></h2>
<button id="all" hidden>all images</button>
<ol id="images">
${images.map((image, i) => imageItem(image, i)).join("\n")}
</ol>
</section>
<section aria-label="the image" id="viewer" hidden>
<h2 id="name"></h2>
<div id="stage"><img id="photograph" alt=""><img id="left" alt=""><img id="right" alt=""><div id="line"></div></div>
<div class="controls">
<label>left ${layers("show-left", "truth")}</label>
<label class="wide">divider <input type="range" id="divider" min="0" max="100" value="50"></label>
<label>right ${layers("show-right", "prediction")}</label>
<label>opacity <input type="range" id="opacity" min="0" max="100" value="70"></label>
</div>
<p class="hint">J and K go to the next and the previous image; arrow keys move a slider that has the focus.</p>
<div id="details"></div>
</section>
</main>
<h2>Confusions</h2>
<p class="hint">A pair lists the images that have it.</p>
${pairTable(parts)}
<h2>Classes</h2>
${classTable(parts)}
<h2>Objects</h2>
<p class="hint">Connected parts of one class in the truth; found: half of its pixels or more are predicted as the class.</p>
${objectTable(parts.objects)}
<script type="application/json" id="data">${json({ names: classes.names, palette: classes.palette, images })}</script>
<script>${SCRIPT}</script>`;
  return htmlPage({ title, summary, style: STYLE, body });
}

/** In a page no text of the data may end the script that it stands in. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function imageItem({ index, id, meanIoU, pixelAccuracy }: ShownImage, place: number): string {
  const score = meanIoU === null ? "-" : percent(meanIoU);
  const bar = `<i style="width:${percent(meanIoU ?? 0)}%"></i>`;
  const figures = `<b>${score}</b> <small>${percent(pixelAccuracy)} % of pixels</small>`;
  return `<li data-index="${index}"><button data-place="${place}">${figures}<span>${escapeMarkup(id)}</span>${bar}</button></li>`;
}

const LAYERS = ["truth", "prediction", "errors", "photograph"];

function layers(id: string, chosen: string): string {
  const options = LAYERS.map((layer) => `<option${layer === chosen ? " selected" : ""}>${layer}</option>`);
  return `<select id="${id}">${options.join("")}</select>`;
}

function pairTable({ pairs, classes, images }: ErrorPageParts): string {
  const shown = new Set(images.map(({ index }) => index));
  const rows = pairs.map(({ truth, guess, pixels, share, images }) => {
    const there = images.filter((index) => shown.has(index));
    const words = `${named(classes, truth)} as ${named(classes, guess)}`;
    const button = `<button data-images="${there.join(" ")}">${words}</button>`;
    return [button, String(pixels), percent(share), String(images.length)];
  });
  return table(["truth as prediction", "pixels", "% of the class", "images"], rows);
}

function classTable({ classes, scores, boundary }: ErrorPageParts): string {
  const rows = scores.classes.map(({ iou, accuracy, pixels, present }, id) => {
    const edge = boundary[id];
    const figures = present ? [percent(iou), edge === null ? "-" : percent(edge), percent(accuracy)] : ["-", "-", "-"];
    return [named(classes, id), ...figures, String(pixels)];
  });
  return table(["class", "IoU %", "boundary IoU %", "accuracy %", "pixels"], rows);
}

function objectTable(objects: readonly ObjectScore[]): string {
  const sizes = { small: "small, below 32²", medium: "medium, below 96²", large: "large" };
  const rows = objects.map(({ size, objects, found, recall }) =>
    objects > 0 ? [sizes[size], String(objects), percent(found), percent(recall)] : [sizes[size], "0", "-", "-"],
  );
  return table(["size, pixels", "objects", "found %", "mean recall %"], rows);
}

/** A class with its colour. */
function named({ names, palette }: ClassList, id: number): string {
  return `<i class="swatch" style="background:rgb(${palette[id].join()})"></i>${escapeMarkup(names[id])}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = head.map((title) => `<th>${title}</th>`).join("");
  const lines = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<div class="wide"><table>\n<tr>${titles}</tr>\n${lines.join("\n")}\n</table></div>`;
}
