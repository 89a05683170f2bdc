import type { Size } from "@pspnet/core";
import { nearest, paintLabels } from "../picture/paintLabels.js";
import type { State } from "../state/state.js";
import type { Store } from "../state/store.js";
import { element } from "./element.js";
import { percent } from "./words.js";

/** Of the canvases: more is not seen. */
const LONG_SIDE = 1600;

/** The photograph, and the colours over it. */
export function showStage(store: Store<State>): void {
  const stage = element("stage", HTMLElement);
  const photograph = element("photograph", HTMLCanvasElement);
  const colours = element("colours", HTMLCanvasElement);

  store.watch(["photograph"], ({ photograph: shown }) => {
    if (!shown) return;
    const { width, height } = shownSize(shown.bitmap);
    for (const canvas of [photograph, colours]) Object.assign(canvas, { width, height });
    stage.style.setProperty("--ratio", String(width / height));
    photograph.getContext("2d")!.drawImage(shown.bitmap, 0, 0, width, height);
  });

  store.watch(["found", "isolated", "previewed"], ({ found, isolated, previewed }) => {
    colours.hidden = found === null;
    if (!found) return;
    const painted = paintLabels(found.labels, colours, { palette: found.classes.palette, only: previewed ?? isolated });
    colours.getContext("2d")!.putImageData(painted, 0, 0);
  });

  store.watch(["photograph", "found"], ({ photograph: shown, found }) => {
    if (shown)
      photograph.ariaLabel = [
        shown.name,
        ...(found?.areas ?? []).map(({ name, share }) => `${name} ${percent(share)}`),
      ].join(", ");
  });

  store.watch(["opacity"], ({ opacity }) => {
    colours.style.opacity = String(opacity);
  });
}

/** Calls the class under the pointer by its name, and shows it alone when it is pressed. */
export function pointAtClasses(store: Store<State>): void {
  const frame = element("frame", HTMLElement);
  const tip = element("tip", HTMLElement);

  const classAt = ({ clientX, clientY }: PointerEvent | MouseEvent): number | null => {
    const { found } = store.state;
    if (!found) return null;
    const { left, top, width, height } = frame.getBoundingClientRect();
    const { labels, classes } = found;
    const x = nearest(clientX - left - 0.5, width, labels.width);
    const y = nearest(clientY - top - 0.5, height, labels.height);
    if (x < 0 || y < 0) return null;
    const id = labels.data[y * labels.width + x];
    return id < classes.names.length ? id : null;
  };

  frame.addEventListener("pointermove", (event) => {
    const { left, top } = frame.getBoundingClientRect();
    tip.style.setProperty("--x", `${event.clientX - left}px`);
    tip.style.setProperty("--y", `${event.clientY - top}px`);
    store.set({ pointed: classAt(event) });
  });
  frame.addEventListener("pointerleave", () => store.set({ pointed: null }));
  frame.addEventListener("click", (event) => {
    const id = classAt(event);
    if (id !== null) store.set({ isolated: store.state.isolated === id ? null : id });
  });

  store.watch(["pointed", "found"], ({ pointed, found }) => {
    const area = found?.areas.find(({ id }) => id === pointed);
    tip.hidden = area === undefined;
    if (area) tip.textContent = `${area.name}, ${percent(area.share)}`;
  });
}

/** Before and after: left of the divider stands the photograph alone. */
export function showSplit(store: Store<State>): void {
  const split = element("split", HTMLInputElement);
  split.addEventListener("input", () => store.set({ split: split.valueAsNumber / 100 }));
  store.watch(["split"], ({ split: share }) => {
    split.value = String(Math.round(100 * share));
    split.ariaValueText = `${split.value} %`;
    element("stage", HTMLElement).style.setProperty("--split", `${100 * share}%`);
  });
  store.watch(["found"], ({ found }) => {
    split.disabled = found === null;
  });
}

function shownSize({ width, height }: Size): Size {
  const factor = Math.min(1, LONG_SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(factor * width)), height: Math.max(1, Math.round(factor * height)) };
}
