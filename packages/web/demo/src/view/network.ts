import type { Demo } from "../demo.js";
import type { Detail, NetworkFacts } from "../segmenters/segmenter.js";
import { button, element, made } from "./element.js";

/** What segments, how finely it looks, and other weights. */
export function showNetwork(demo: Demo, boxed: string): void {
  const { store } = demo;
  const detail = element("detail", HTMLSelectElement);
  const file = element("weightsFile", HTMLInputElement);
  button("chooseWeights", () => file.click());
  file.addEventListener("change", () => {
    if (file.files?.[0]) void demo.take(file.files[0]);
    file.value = "";
  });
  detail.addEventListener("change", () => {
    store.set({ detail: detail.value as Detail });
    void demo.again();
  });

  store.watch(["network"], ({ network }) => {
    element("facts", HTMLDListElement).replaceChildren(...(network ? factsOf(network) : []));
    element("caution", HTMLElement).hidden = network?.name !== boxed;
    element("detailField", HTMLElement).hidden = !network?.looksAt;
    if (network?.looksAt) detail.replaceChildren(...choices(network.looksAt, store.state.detail));
    element("promise", HTMLElement).textContent =
      network?.where === "server"
        ? "Every pixel of a photograph gets a class. Photographs go to this server, and nowhere else."
        : "Every pixel of a photograph gets a class, in this page. No photograph leaves it.";
  });
}

function factsOf({ name, classes, runsOn, because, score, licence }: NetworkFacts): HTMLElement[] {
  const facts: [string, string | null][] = [
    ["Weights", name],
    ["Knows", `${classes.names.length} classes`],
    ["Score", score],
    ["Licence", licence || null],
    ["Runs on", because === null ? runsOn : `${runsOn} (${because})`],
  ];
  return facts.flatMap(([term, fact]) =>
    fact === null ? [] : [made("div", "", made("dt", "", term), made("dd", "", fact))],
  );
}

function choices({ quick, finer }: NonNullable<NetworkFacts["looksAt"]>, chosen: Detail): HTMLOptionElement[] {
  const texts: [Detail, string][] = [
    ["quick", `a copy of ${quick} pixels, quick`],
    ["finer", `a copy of ${finer} pixels, finer`],
    ["every", "every pixel, in windows"],
  ];
  return texts.map(([value, text]) => new Option(text, value, false, value === chosen));
}
