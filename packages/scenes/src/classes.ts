import type { ClassList } from "@pspnet/core";

/** The label of each class of the scenes, by name. */
export const sceneLabels = {
  sky: 0,
  skyscraper: 1,
  wall: 2,
  window: 3,
  road: 4,
  water: 5,
  floor: 6,
  grass: 7,
  tree: 8,
  car: 9,
  boat: 10,
  bed: 11,
  pillow: 12,
  person: 13,
  sign: 14,
  lamp: 15,
} as const;

/** Names and display colours of the scenes' classes, by label. */
export const sceneClasses: ClassList = {
  names: Object.keys(sceneLabels),
  palette: [
    [142, 202, 240],
    [110, 116, 140],
    [226, 206, 172],
    [120, 226, 226],
    [78, 78, 88],
    [36, 108, 176],
    [162, 106, 64],
    [150, 200, 90],
    [32, 116, 60],
    [226, 52, 60],
    [250, 146, 36],
    [150, 92, 196],
    [246, 168, 214],
    [208, 32, 140],
    [0, 178, 160],
    [255, 226, 64],
  ],
};
