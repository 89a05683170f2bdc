/** How folders of photographs and masks are called and nested: what {@link folders} looks for, in this order. */

const either = (...names: readonly string[]) => names.flatMap((name) => [name, name[0].toUpperCase() + name.slice(1)]);

/** What folders are called by what they hold. */
export interface FolderNames {
  readonly images: readonly string[];
  readonly masks: readonly string[];
}

export const FOLDER_NAMES: FolderNames = {
  images: [...either("images", "image", "imgs", "img", "photos", "rgb"), "JPEGImages", "leftImg8bit"],
  masks: [
    ...either("masks", "mask", "labels", "label", "annotations", "annotation", "segmentation", "gt"),
    ...["SegmentationClass", "ground_truth", "groundtruth"],
  ],
};

const SPLIT_NAMES: readonly (readonly string[])[] = [
  ["train", "training", "Train"],
  ["val", "valid", "validation", "Val", "Valid"],
];

/** What a split's folder may be called. */
export function splitNames(split: string): readonly string[] {
  return SPLIT_NAMES.find(([name]) => name === split) ?? [split];
}

/** Where the images and the masks of a split are; without {split}, all are in one place, and some are held out. */
export const LAYOUTS: readonly { readonly images: string; readonly masks: string }[] = [
  { images: "{split}/{images}", masks: "{split}/{masks}" },
  { images: "{images}/{split}", masks: "{masks}/{split}" },
  { images: "{split}_{images}", masks: "{split}_{masks}" },
  { images: "{split}", masks: "{split}_{masks}" },
  { images: "{images}", masks: "{masks}" },
];

/** What a mask's name may have after its image's. */
export const MASK_SUFFIXES: readonly string[] = ["mask", "label", "labels", "gt", "seg", "segmentation", "L"].flatMap(
  (word) => [`_${word}`, `-${word}`, `.${word}`],
);
