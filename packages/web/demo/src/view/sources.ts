import { toImageData } from "@pspnet/web";
import type { Demo } from "../demo.js";
import { type Sample, sampleImage, samplePhotograph, samples, titleOf } from "../sources/scenes.js";
import { button, element, made } from "./element.js";

/** Pixels of their width. */
const THUMBNAIL = 240;

/** Pictures from files and the camera. */
export function showSources(demo: Demo): void {
  const file = element("pictureFile", HTMLInputElement);
  button("choosePicture", () => file.click());
  file.addEventListener("change", () => {
    if (file.files?.[0]) void demo.take(file.files[0]);
    file.value = "";
  });

  const camera = button("camera", () => void (demo.store.state.live ? demo.store.set({ live: false }) : demo.watch()));
  demo.store.watch(["live"], ({ live }) => {
    camera.ariaPressed = String(live);
  });
}

/** Made scenes to choose from, and others when they are wanted. */
export function offerSamples(demo: Demo): void {
  let number = 0;
  const offer = () => {
    const items = samples(number++).map((sample) => made("li", "", sampleButton(demo, sample)));
    element("samples", HTMLUListElement).replaceChildren(...items);
  };
  button("moreSamples", offer);
  offer();
}

function sampleButton(demo: Demo, sample: Sample): HTMLButtonElement {
  const picture = sampleImage(sample, THUMBNAIL);
  const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
  canvas.getContext("2d")!.putImageData(toImageData(picture), 0, 0);
  const choice = made("button", "sample", canvas, made("span", "", titleOf(sample)));
  choice.type = "button";
  choice.addEventListener("click", async () => void demo.show(await samplePhotograph(sample)));
  return choice;
}
