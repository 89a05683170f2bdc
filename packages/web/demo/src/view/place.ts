import type { Demo } from "../demo.js";
import type { Open } from "../segmenters/segmenter.js";
import type { Server, ServerModel } from "../segmenters/server.js";
import { element } from "./element.js";

/** Lets a page that came from `pspnet serve` choose between that server's networks and the browser. */
export async function choosePlace(demo: Demo, server: Server, inBrowser: Open): Promise<void> {
  const place = element("where", HTMLFieldSetElement);
  const model = element("model", HTMLSelectElement);
  const locked = element("locked", HTMLFormElement);
  const token = element("token", HTMLInputElement);
  let models: readonly ServerModel[] = [];

  const chosen = () => server.open(models.find(({ name }) => name === model.value) ?? models[0]);
  model.addEventListener("change", () => void demo.use(chosen()));
  place.addEventListener("change", () => {
    const { value } = place.querySelector<HTMLInputElement>(":checked")!;
    void demo.use(value === "server" ? chosen() : inBrowser);
  });

  demo.store.watch(["network"], ({ network }) => {
    const where = network?.where;
    for (const radio of place.querySelectorAll("input")) radio.checked = radio.value === where;
    element("modelField", HTMLElement).hidden = where !== "server" || models.length < 2;
  });

  const ask = async () => {
    const found = await server.models();
    locked.hidden = found !== null;
    if (found === null) return;
    models = found;
    model.replaceChildren(...models.map(({ name }) => new Option(name)));
    place.hidden = false;
    await demo.use(chosen());
  };
  locked.addEventListener("submit", (event) => {
    event.preventDefault();
    server.token = token.value;
    void demo.attempt(ask);
  });
  await demo.attempt(ask);
}
