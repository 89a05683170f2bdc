import type { ClassArea } from "@pspnet/core";
import type { State } from "../state/state.js";
import type { Store } from "../state/store.js";
import { button, element, made } from "./element.js";
import { percent } from "./words.js";

/** The classes found, with their shares. Looking at one previews it, pressing it shows it alone. */
export function showLegend(store: Store<State>): void {
  const list = element("legend", HTMLUListElement);
  const all = button("showAll", () => store.set({ isolated: null }));
  const buttons = new Map<number, HTMLButtonElement>();

  const toggle = (id: number) => store.set({ isolated: store.state.isolated === id ? null : id, previewed: null });

  store.watch(["found"], ({ found }) => {
    const focused = [...buttons].find(([, each]) => each === document.activeElement)?.[0];
    buttons.clear();
    const rows = (found?.areas ?? []).map((area) => {
      const row = rowOf(area, found!.classes.palette[area.id]);
      row.addEventListener("click", () => toggle(area.id));
      buttons.set(area.id, row);
      return made("li", "", row);
    });
    list.replaceChildren(...rows);
    element("noClasses", HTMLElement).hidden = rows.length > 0;
    if (focused !== undefined) buttons.get(focused)?.focus();
  });

  store.watch(["found", "isolated", "pointed"], ({ isolated, pointed }) => {
    for (const [id, each] of buttons) {
      each.ariaPressed = String(id === isolated);
      each.classList.toggle("pointed", id === pointed);
    }
    all.hidden = isolated === null;
  });

  // Rows may be replaced while the pointer is on them.
  list.addEventListener("pointerover", ({ target }) => {
    const previewed = [...buttons].find(([, each]) => each.contains(target as Node))?.[0] ?? null;
    store.set({ previewed });
  });
  list.addEventListener("pointerleave", () => store.set({ previewed: null }));
  addEventListener("keydown", ({ key }) => {
    if (key === "Escape") store.set({ isolated: null });
  });
}

function rowOf({ name, share }: ClassArea, [red, green, blue]: readonly number[]): HTMLButtonElement {
  const row = made(
    "button",
    "class",
    swatch(`rgb(${red} ${green} ${blue})`),
    made("span", "name", name),
    made("span", "share", percent(share)),
  );
  row.type = "button";
  row.style.setProperty("--share", String(share));
  row.style.setProperty("--class", `rgb(${red} ${green} ${blue})`);
  return row;
}

function swatch(colour: string): HTMLElement {
  const swatch = made("span", "swatch");
  swatch.style.backgroundColor = colour;
  return swatch;
}
