import type { Random, Rgb } from "@pspnet/core";
import { type Canvas, fillBox } from "./canvas.js";
import { lit, mixed, pick, varied } from "./colour.js";
import { frontal } from "./plane.js";
import { haze } from "./texture.js";

/** The light of a scene: what the sky looks like and how it tints everything under it. */
export interface Weather {
  readonly zenith: Rgb;
  readonly horizon: Rgb;
  readonly clouds: number;
  /** What each channel of the picture is multiplied with. */
  readonly tint: Rgb;
}

const weathers: readonly Weather[] = [
  { zenith: [72, 128, 200], horizon: [190, 214, 232], clouds: 1.2, tint: [1.04, 1.02, 0.98] },
  { zenith: [104, 160, 216], horizon: [214, 228, 236], clouds: 0.5, tint: [1.08, 1.06, 1] },
  { zenith: [150, 158, 168], horizon: [204, 208, 210], clouds: 0.8, tint: [0.9, 0.92, 0.95] },
  { zenith: [88, 104, 156], horizon: [246, 184, 128], clouds: 0.9, tint: [1, 0.88, 0.78] },
  { zenith: [70, 84, 116], horizon: [168, 160, 172], clouds: 0.6, tint: [0.84, 0.86, 0.95] },
];

/** The weather of a scene. */
export function drawWeather(generator: Random): Weather {
  const weather = pick(generator, weathers);
  const exposure = generator.uniform(0.88, 1.1);
  return {
    zenith: varied(generator, weather.zenith, 10),
    horizon: varied(generator, weather.horizon, 8),
    clouds: weather.clouds * generator.uniform(0.3, 1.3),
    tint: mixed([0, 0, 0], weather.tint, exposure),
  };
}

/** Paints sky from the picture's top to `bottom` over its whole width. */
export function paintSky(
  canvas: Canvas,
  generator: Random,
  options: { weather: Weather; bottom: number; label: number },
): void {
  const { weather, bottom, label } = options;
  fillBox(canvas, [0, 0, canvas.wide, bottom], {
    label,
    colour: weather.zenith,
    accent: weather.horizon,
    texture: haze({ length: bottom, clouds: weather.clouds }),
    plane: frontal(generator.uniform(-6, 0), 0),
  });
}

/** What the air between makes of a far thing's colour. */
export function hazed(colour: Rgb, weather: Weather, share: number): Rgb {
  return mixed(colour, lit(weather.horizon, 0.95), share);
}
