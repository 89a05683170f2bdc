import type { Demo } from "../demo.js";
import type { Found, NetworkFacts } from "../segmenters/segmenter.js";
import type { State } from "../state/state.js";
import { button, element } from "./element.js";
import { duration } from "./words.js";

/** What goes on, what came of it, and what went wrong. */
export function showProgress(demo: Demo): void {
  const { store } = demo;
  const status = element("status", HTMLElement);
  const speed = element("speed", HTMLElement);
  const share = element("share", HTMLProgressElement);
  const stop = button("stop", () => demo.stop());
  const message = element("message", HTMLElement);
  button("dismiss", () => store.set({ message: null }));

  store.watch(["opening", "segmenting", "live"], ({ opening, segmenting, live }) => {
    // Of a camera's photographs none takes long.
    const work = opening ?? (live ? null : segmenting);
    share.hidden = stop.hidden = work === null;
    if (work === null) return;
    if (work.share === null) share.removeAttribute("value");
    else share.value = work.share;
  });
  store.watch(["opening", "segmenting", "live", "found"], (state) => {
    const text = statusOf(state);
    // What is the same is not read out again.
    if (status.textContent !== text) status.textContent = text;
  });
  store.watch(
    ["opening", "segmenting", "live", "found", "network"],
    ({ opening, segmenting, live, found, network }) => {
      const busy = opening !== null || (segmenting !== null && !live);
      speed.textContent = busy || !found || !network ? "" : speedOf(found, network);
    },
  );
  store.watch(["message"], ({ message: told }) => {
    message.hidden = told === null;
    message.dataset.kind = told?.kind;
    element("messageText", HTMLElement).textContent = told?.text ?? "";
  });
}

type Shown = Pick<State, "opening" | "segmenting" | "live" | "found">;

function statusOf({ opening, segmenting, live, found }: Shown): string {
  if (opening) return opening.what;
  if (live) return "The camera is on.";
  if (segmenting) return segmenting.what;
  if (!found) return "";
  return found.areas.length === 1 ? "One class." : `${found.areas.length} classes.`;
}

function speedOf({ labels: { width, height }, milliseconds }: Found, { runsOn }: NetworkFacts): string {
  return `${width} × ${height} in ${duration(milliseconds)} on ${runsOn}`;
}
