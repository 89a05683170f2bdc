/** What the page of errors looks like, and what it does in a browser. */

export const STYLE = `
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #ddd; --soft: #f3f3f3; --grey: #666; --accent: #0072b2 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181b; --faint: #3a3d41; --soft: #22252a; --grey: #a0a4aa; --accent: #56b4e9 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1500px; margin: 1.5rem auto; padding: 0 1rem }
h1 { margin-bottom: .3em } h2 { margin: 1.5em 0 .5em; font-size: 1.2em; overflow-wrap: anywhere } small, .hint { color: var(--grey); font-weight: normal; font-size: 13px }
.summary { display: flex; gap: 1em 3em; flex-wrap: wrap; color: var(--grey) } .summary b { display: block; font-size: 1.8em; color: var(--accent) }
main { display: grid; grid-template-columns: minmax(15rem, 22rem) 1fr; gap: 0 2rem; align-items: start } main h2 { margin-top: .5em }
@media (max-width: 800px) { main { grid-template-columns: 1fr } }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--faint); border-radius: 4px; cursor: pointer; text-align: left }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 1px }
#images { list-style: none; margin: .5em 0 0; padding: 3px; max-height: 75vh; overflow: auto }
#images button { display: block; width: 100%; margin-bottom: 4px; padding: 4px 8px } #images span { display: block; overflow-wrap: anywhere; font-size: 13px }
#images i { display: block; height: 4px; background: var(--accent) } #images [aria-current] { background: var(--soft); border-color: var(--accent) }
#viewer { position: sticky; top: .5rem } #stage { position: relative; background: var(--soft); line-height: 0; --at: 50%; --opacity: .7 }
#stage img { width: 100% } #left, #right { position: absolute; inset: 0; height: 100%; opacity: var(--opacity); image-rendering: pixelated }
#left { clip-path: inset(0 calc(100% - var(--at)) 0 0) } #right { clip-path: inset(0 0 0 var(--at)) }
#line { position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000 }
.controls { display: flex; gap: .5em 1.5em; flex-wrap: wrap; margin: .6em 0 } .controls label { display: flex; gap: .5em; align-items: center } .controls .wide { flex: 1 } #divider { flex: 1; min-width: 8em }
#details { display: flex; gap: 1em 3em; flex-wrap: wrap } .wide { overflow: auto }
table { border-collapse: collapse } td, th { padding: .15em 1em; text-align: right; font-variant-numeric: tabular-nums } td:first-child, th:first-child { text-align: left; padding-left: 0 }
tr + tr td { border-top: 1px solid var(--faint) } td button { padding: 0 .5em }
.swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .4em; border: 1px solid var(--grey); vertical-align: -.05em }
`;

/** Plain script of a browser: it takes what is shown from the page's data, and puts all of it in as text. */
export const SCRIPT = `
"use strict";
const { names, palette, images } = JSON.parse(document.getElementById("data").textContent);
const of = (id) => document.getElementById(id);
const items = [...document.querySelectorAll("#images li")];
let place = -1;

function element(tag, text, parent) {
  const made = document.createElement(tag);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

function named(id, parent) {
  const swatch = element("i", null, parent);
  swatch.className = "swatch";
  swatch.style.background = "rgb(" + palette[id].join() + ")";
  element("span", names[id], parent);
}

function table(head, rows) {
  const made = element("table", null, of("details"));
  const titles = element("tr", null, made);
  for (const title of head) element("th", title, titles);
  for (const [classes, ...cells] of rows) {
    const row = element("tr", null, made);
    const first = element("td", null, row);
    classes.forEach((id, i) => { if (i > 0) element("span", " as ", first); named(id, first); });
    for (const cell of cells) element("td", cell, row);
  }
}

const source = (layer) => images[place].pictures + (layer === "photograph" ? ".jpg" : "." + layer + ".png");

function draw() {
  for (const side of ["left", "right"]) {
    const layer = of("show-" + side).value;
    of(side).src = source(layer);
    of(side).alt = layer + " of " + images[place].id;
  }
  of("stage").style.setProperty("--at", of("divider").value + "%");
  of("stage").style.setProperty("--opacity", of("opacity").value / 100);
}

function show(next) {
  place = next;
  const { id, classes, confusions } = images[place];
  for (const item of items) {
    const button = item.firstChild;
    if (Number(button.dataset.place) === place) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  of("viewer").hidden = false;
  of("name").textContent = id;
  of("photograph").src = source("photograph");
  of("photograph").alt = id;
  of("details").replaceChildren();
  table(["class", "IoU %"], classes.map(({ id, iou }) => [[id], (100 * iou).toFixed(2)]));
  table(["truth as prediction", "pixels"], confusions.map(({ truth, guess, pixels }) => [[truth, guess], pixels]));
  draw();
}

/** Lists the images of these indices, in their order; all for null. */
function list(indices, said) {
  const order = indices ?? images.map(({ index }) => index);
  const byIndex = new Map(items.map((item) => [Number(item.dataset.index), item]));
  of("images").replaceChildren(...order.map((index) => byIndex.get(index)));
  of("all").hidden = indices === null;
  of("shown").textContent = said;
  const first = of("images").querySelector("button");
  if (first) show(Number(first.dataset.place));
}

function step(by) {
  const listed = [...of("images").querySelectorAll("button")];
  const at = listed.findIndex((button) => Number(button.dataset.place) === place);
  const next = listed[at + by];
  if (!next) return;
  show(Number(next.dataset.place));
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.place) show(Number(button.dataset.place));
  else if (button.id === "all") list(null, of("shown").dataset.all);
  else if (button.dataset.images !== undefined) {
    list(button.dataset.images.split(" ").filter(Boolean).map(Number), button.textContent);
    of("viewer").scrollIntoView({ block: "nearest" });
  }
});
document.addEventListener("keydown", ({ key, target, ctrlKey, metaKey, altKey }) => {
  if (target.tagName === "SELECT" || ctrlKey || metaKey || altKey) return;
  if (key === "j" || key === "J") step(1);
  if (key === "k" || key === "K") step(-1);
});
for (const id of ["show-left", "show-right", "divider", "opacity"]) of(id).addEventListener("input", draw);
if (images.length > 0) show(0);
`;
