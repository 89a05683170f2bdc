import type { Random } from "@pspnet/core";
import { type Canvas, fillEllipse, fillPolygon, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { chance, lit, varied } from "./colour.js";
import { frontal } from "./plane.js";
import type { Stand } from "./stand.js";
import { foliage, type Surface } from "./surfaces.js";
import { speckle } from "./texture.js";

/** A tree: a short trunk under a crown of leaves, as wide as 0.7 of the height. */
export function paintTree(canvas: Canvas, generator: Random, { x, foot, height }: Stand): void {
  const label = sceneLabels.tree;
  const leaves = foliage(generator, height * 0.5);
  const trunk = varied(generator, [92, 70, 52], 12);
  const half = height * 0.05;
  shadeEllipse(canvas, { x, y: foot, radiusX: height * 0.3, radiusY: height * 0.04 }, 0.5);
  fillPolygon(
    canvas,
    [x - half, foot, x - half * 0.7, foot - height * 0.5, x + half * 0.7, foot - height * 0.5, x + half, foot],
    {
      label,
      colour: trunk,
      texture: speckle({ size: height / 4, contrast: 0.3 }),
    },
  );
  if (chance(generator, 0.25)) {
    paintFir(canvas, { x, foot, height }, leaves);
    return;
  }
  const clumps = generator.integer(12, 18);
  for (let i = 0; i < clumps; i++) {
    const share = i / (clumps - 1);
    const radius = height * generator.uniform(0.12, 0.19);
    const light = (0.74 + 0.36 * share) * generator.uniform(0.92, 1.08);
    const plane = frontal(generator.uniform(-4, 4), generator.uniform(-4, 4));
    fillEllipse(
      canvas,
      {
        x: x + generator.uniform(-0.24, 0.24) * height * (1.1 - share * 0.7),
        y: foot - height * (0.38 + 0.44 * share),
        radiusX: radius * 1.1,
        radiusY: radius,
      },
      {
        label,
        colour: lit(leaves.colour, light),
        accent: lit(leaves.accent ?? leaves.colour, light),
        texture: leaves.texture,
        plane,
      },
    );
  }
}

function paintFir(canvas: Canvas, { x, foot, height }: Stand, leaves: Surface): void {
  for (const [base, tip, half, light] of [
    [0.14, 0.62, 0.28, 0.65],
    [0.36, 0.8, 0.22, 0.8],
    [0.58, 1, 0.16, 0.95],
  ]) {
    const corners = [
      x - half * height,
      foot - base * height,
      x,
      foot - tip * height,
      x + half * height,
      foot - base * height,
    ];
    fillPolygon(canvas, corners, {
      ...leaves,
      label: sceneLabels.tree,
      colour: lit(leaves.colour, light),
      accent: lit(leaves.accent ?? leaves.colour, light),
    });
  }
}
