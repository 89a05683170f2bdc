import type { Size } from "@pspnet/core";
import type { EChartsCoreOption } from "echarts/core";

/** Okabe and Ito's colours, which people with any colour vision tell apart. */
export const COLOURS = { blue: "#0072b2", orange: "#d55e00", green: "#009e73", paleBlue: "#a6cde6" };
const INK = "#222222";
const GREY = "#666666";
const FAINT = "#e6e6e6";
const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/** Mean width of a letter in font sizes, in the widest of those fonts. */
const LETTER = 0.62;

/** Draws a chart without a screen, as SVG on white. echarts is loaded by the first one. */
export async function renderChart(option: EChartsCoreOption, { width, height }: Size): Promise<string> {
  const { echartsInit } = await import("./echarts.js");
  const chart = echartsInit()(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, backgroundColor: "#ffffff", ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** Upper bound of the width of the longest of some texts, in pixels. */
export function textWidth(texts: readonly string[], fontSize: number): number {
  return Math.ceil(Math.max(0, ...texts.map((text) => text.length)) * fontSize * LETTER);
}

export function font(fontSize: number, color = INK) {
  return { color, fontSize, fontFamily: FONT };
}

export function title(text: string, { left, subtext }: { readonly left: number; readonly subtext?: string }) {
  return { text, subtext, left, top: 8, itemGap: 6, padding: 0, textStyle: font(17), subtextStyle: font(13, GREY) };
}

/** An axis of numbers with its name in the middle, `nameGap` pixels off. */
export function valueAxis(name: string, { nameGap, ...options }: { readonly nameGap: number; [key: string]: unknown }) {
  return {
    type: "value",
    name,
    nameGap,
    nameLocation: "middle",
    nameTextStyle: font(13, GREY),
    axisLabel: { ...font(12, GREY), hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: GREY } },
    splitLine: { lineStyle: { color: FAINT } },
    ...options,
  };
}

/** An axis of names, every one of which is shown. */
export function nameAxis(names: readonly string[], { fontSize, rotate = 0, ...options }: NameAxisOptions) {
  return {
    type: "category",
    data: [...names],
    axisTick: { show: false },
    axisLine: { lineStyle: { color: GREY } },
    axisLabel: { ...font(fontSize), interval: 0, rotate },
    nameLocation: "middle",
    nameTextStyle: font(14, GREY),
    ...options,
  };
}

interface NameAxisOptions {
  readonly fontSize: number;
  readonly rotate?: number;
  readonly [key: string]: unknown;
}
