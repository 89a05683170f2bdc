import type { Random, Rgb } from "@pspnet/core";
import { type Canvas, fillBox, fillEllipse, fillPolygon, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { chance, lit, mixed, pick, varied } from "./color.js";
import { frontal } from "./plane.js";
import { brightColors, foliage } from "./surfaces.js";
import { speckle } from "./texture.js";

/** Where an upright thing stands: its middle, its foot and its height, in scene units. */
export interface Stand {
  readonly x: number;
  readonly foot: number;
  readonly height: number;
}

const skinColors: readonly Rgb[] = [
  [224, 176, 146],
  [188, 132, 98],
  [124, 82, 60],
  [94, 62, 48],
];

/** A person who stands or walks. About 0.36 of the height wide. */
export function paintPerson(canvas: Canvas, generator: Random, { x, foot, height }: Stand): void {
  const label = sceneLabels.person;
  const skin = pick(generator, skinColors);
  const coat = varied(generator, pick(generator, brightColors), 14);
  const trousers = varied(generator, pick(generator, brightColors), 14);
  const stride = generator.uniform(0.02, 0.07);
  const y = (share: number): number => foot - share * height;
  const across = (share: number): number => x + share * height;
  shadeEllipse(canvas, { x, y: foot, radiusX: 0.24 * height, radiusY: 0.05 * height }, 0.55);
  for (const [side, light] of [
    [-1, 0.75],
    [1, 0.6],
  ]) {
    const ankle = side * (0.05 + stride);
    fillPolygon(
      canvas,
      [
        across(side * 0.09 - 0.06),
        y(0.5),
        across(side * 0.09 + 0.06),
        y(0.5),
        across(ankle + 0.05),
        y(0),
        across(ankle - 0.05),
        y(0),
      ],
      { label, color: lit(trousers, light) },
    );
  }
  const texture = speckle({ size: height / 2, contrast: 0.16 });
  for (const side of [-1, 1]) {
    fillPolygon(
      canvas,
      [
        across(side * 0.1),
        y(0.83),
        across(side * 0.17),
        y(0.8),
        across(side * 0.2),
        y(0.42),
        across(side * 0.13),
        y(0.42),
      ],
      { label, color: lit(coat, 0.8) },
    );
  }
  fillPolygon(canvas, [across(-0.15), y(0.82), across(0.15), y(0.82), across(0.13), y(0.44), across(-0.13), y(0.44)], {
    label,
    color: coat,
    texture,
  });
  fillEllipse(canvas, { x, y: y(0.9), radiusX: 0.082 * height, radiusY: 0.1 * height }, { label, color: skin });
  const hair: Rgb = pick(generator, [
    [44, 34, 28],
    [104, 74, 44],
    [176, 150, 104],
  ]);
  fillEllipse(canvas, { x, y: y(0.955), radiusX: 0.08 * height, radiusY: 0.05 * height }, { label, color: hair });
}

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
      color: trunk,
      texture: speckle({ size: height / 4, contrast: 0.3 }),
    },
  );
  if (chance(generator, 0.25)) {
    paintFir(canvas, { x, foot, height }, leaves);
    return;
  }
  const clumps = generator.integer(6, 10);
  for (let i = 0; i < clumps; i++) {
    const share = i / (clumps - 1);
    const radius = height * generator.uniform(0.15, 0.22);
    const light = 0.72 + 0.4 * share;
    const plane = frontal(generator.uniform(-4, 4), generator.uniform(-4, 4));
    fillEllipse(
      canvas,
      {
        x: x + generator.uniform(-0.2, 0.2) * height * (1.1 - share * 0.6),
        y: foot - height * (0.38 + 0.44 * share),
        radiusX: radius * 1.1,
        radiusY: radius,
      },
      {
        label,
        color: lit(leaves.color, light),
        accent: lit(leaves.accent ?? leaves.color, light),
        texture: leaves.texture,
        plane,
      },
    );
  }
}

function paintFir(canvas: Canvas, { x, foot, height }: Stand, leaves: ReturnType<typeof foliage>): void {
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
      color: lit(leaves.color, light),
      accent: lit(leaves.accent ?? leaves.color, light),
    });
  }
}

/** A board on a short post: a traffic sign or a notice. Round, square or a diamond, about 0.6 of the height wide. */
export function paintSign(canvas: Canvas, generator: Random, { x, foot, height }: Stand): void {
  const label = sceneLabels.sign;
  const ground = varied(generator, pick(generator, brightColors), 12);
  const print = ground[0] + ground[1] + ground[2] > 400 ? lit(ground, 0.25) : mixed(ground, [255, 255, 255], 0.9);
  const radius = height * 0.32;
  const y = foot - height + radius;
  shadeEllipse(canvas, { x, y: foot, radiusX: height * 0.16, radiusY: height * 0.04 }, 0.6);
  fillBox(canvas, [x - height * 0.05, y, height * 0.1, foot - y], { label, color: [118, 120, 124] });
  const shape = generator.integer(0, 3);
  for (const [size, color] of [
    [1, print],
    [0.82, ground],
  ] as const) {
    const r = radius * size;
    if (shape === 0) fillEllipse(canvas, { x, y, radiusX: r, radiusY: r }, { label, color });
    else if (shape === 1) fillBox(canvas, [x - r, y - r * 0.92, r * 2, r * 1.84], { label, color });
    else fillPolygon(canvas, [x, y - r * 1.15, x + r * 1.15, y, x, y + r * 1.15, x - r * 1.15, y], { label, color });
  }
  const bar = radius * 0.5;
  if (chance(generator, 0.5)) fillBox(canvas, [x - bar, y - bar * 0.3, bar * 2, bar * 0.6], { label, color: print });
  else fillBox(canvas, [x - bar * 0.3, y - bar, bar * 0.6, bar * 2], { label, color: print });
}

/** A street lamp: a lantern on a stout column. About 0.3 of the height wide. */
export function paintStreetLamp(canvas: Canvas, generator: Random, { x, foot, height }: Stand): void {
  const label = sceneLabels.lamp;
  const iron = varied(generator, [52, 56, 62], 10);
  const half = height * 0.042;
  const glow = mixed([255, 236, 176], [206, 212, 214], generator.next());
  shadeEllipse(canvas, { x, y: foot, radiusX: height * 0.12, radiusY: height * 0.03 }, 0.6);
  const foots = [x - half * 2.4, foot, x - half, foot - height * 0.14, x - half * 0.8, foot - height * 0.66];
  fillPolygon(
    canvas,
    [...foots, x + half * 0.8, foot - height * 0.66, x + half, foot - height * 0.14, x + half * 2.4, foot],
    { label, color: iron },
  );
  const lantern = [x - height * 0.08, foot - height * 0.64, x - height * 0.145, foot - height * 0.9];
  fillPolygon(canvas, [...lantern, x + height * 0.145, foot - height * 0.9, x + height * 0.08, foot - height * 0.64], {
    label,
    color: glow,
  });
  fillPolygon(
    canvas,
    [x - height * 0.17, foot - height * 0.88, x, foot - height, x + height * 0.17, foot - height * 0.88],
    { label, color: iron },
  );
}

/** A room lamp: a shade on a stem with a foot. About 0.44 of the height wide. */
export function paintRoomLamp(canvas: Canvas, generator: Random, { x, foot, height }: Stand): void {
  const label = sceneLabels.lamp;
  const stem = varied(
    generator,
    pick(generator, [
      [70, 54, 44],
      [150, 130, 90],
      [60, 62, 68],
    ]),
    10,
  );
  const shade = varied(
    generator,
    pick(generator, [
      [250, 226, 170],
      [240, 232, 214],
      [244, 200, 140],
    ]),
    10,
  );
  const half = height * 0.035;
  shadeEllipse(canvas, { x, y: foot, radiusX: height * 0.2, radiusY: height * 0.05 }, 0.6);
  fillEllipse(
    canvas,
    { x, y: foot - height * 0.02, radiusX: height * 0.14, radiusY: height * 0.035 },
    { label, color: lit(stem, 0.8) },
  );
  fillBox(canvas, [x - half, foot - height * 0.75, half * 2, height * 0.74], { label, color: stem });
  const top = generator.uniform(0.1, 0.17);
  const corners = [
    x - height * 0.22,
    foot - height * 0.64,
    x - height * top,
    foot - height,
    x + height * top,
    foot - height,
  ];
  fillPolygon(canvas, [...corners, x + height * 0.22, foot - height * 0.64], {
    label,
    color: lit(shade, 0.86),
    accent: [255, 250, 226],
    texture: speckle({ size: height, contrast: 0.08, accent: 0.9 }),
    plane: frontal(x, foot),
  });
}
