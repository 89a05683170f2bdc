import sharp from "sharp";

export { classIouSvg } from "./classIouPlot.js";
export { confusionSvg } from "./confusionPlot.js";
export { type Curves, curvesSvg, type EpochPoint, type StepPoint } from "./curvesPlot.js";

/** Draws an SVG as PNG on white, `scale` pixels for each of its own. */
export function svgToPng(svg: string, { scale = 1.5 }: { readonly scale?: number } = {}): Promise<Uint8Array> {
  return sharp(Buffer.from(svg), { density: 72 * scale, unlimited: true })
    .flatten({ background: "#ffffff" })
    .png({ palette: true })
    .toBuffer();
}
