import type { Demo } from "../demo.js";
import { maskPng, overlayPng, save } from "../picture/download.js";
import { button, element } from "./element.js";

/** How strong the colours are, and files of what is seen. */
export function showAppearance(demo: Demo): void {
  const { store } = demo;
  const opacity = element("opacity", HTMLInputElement);
  opacity.addEventListener("input", () => store.set({ opacity: opacity.valueAsNumber / 100 }));
  store.watch(["opacity"], ({ opacity: share }) => {
    opacity.value = String(Math.round(100 * share));
    element("opacityValue", HTMLElement).textContent = `${opacity.value} %`;
  });

  const overlay = button("saveOverlay", () => {
    const { photograph, found, opacity, isolated: only } = store.state;
    if (!photograph || !found) return;
    void demo.attempt(async () => {
      save(await overlayPng(photograph, found, { opacity, only }), named(photograph.name, "overlay"));
    });
  });
  const mask = button("saveMask", () => {
    const { photograph, found } = store.state;
    if (photograph && found) save(maskPng(found), named(photograph.name, "labels"));
  });
  store.watch(["found"], ({ found }) => {
    overlay.disabled = mask.disabled = found === null;
  });
}

/** `photo.labels.png`, as `pspnet predict` calls it. */
function named(photograph: string, what: string): string {
  return `${photograph.replace(/\.\w+$/, "")}.${what}.png`;
}
