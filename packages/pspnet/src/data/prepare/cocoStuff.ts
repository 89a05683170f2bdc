import { type ClassList, vocPalette } from "@pspnet/core";
import { pairFiles, withoutExtension } from "../pairFiles.js";
import { filesBelow } from "./findFiles.js";
import { idRanges, rangesOf } from "./idRanges.js";
import type { Preparation } from "./preparation.js";

/** COCO-Stuff's labels from 1; a mask holds one less, and 255 where there is none. */
const LABELS = `
  person; bicycle; car; motorcycle; airplane; bus; train; truck; boat; traffic light; fire hydrant; street sign;
  stop sign; parking meter; bench; bird; cat; dog; horse; sheep; cow; elephant; bear; zebra; giraffe; hat; backpack;
  umbrella; shoe; eye glasses; handbag; tie; suitcase; frisbee; skis; snowboard; sports ball; kite; baseball bat;
  baseball glove; skateboard; surfboard; tennis racket; bottle; plate; wine glass; cup; fork; knife; spoon; bowl;
  banana; apple; sandwich; orange; broccoli; carrot; hot dog; pizza; donut; cake; chair; couch; potted plant; bed;
  mirror; dining table; window; desk; toilet; door; tv; laptop; mouse; remote; keyboard; cell phone; microwave;
  oven; toaster; sink; refrigerator; blender; book; clock; vase; scissors; teddy bear; hair drier; toothbrush; hair
  brush; banner; blanket; branch; bridge; building-other; bush; cabinet; cage; cardboard; carpet; ceiling-other;
  ceiling-tile; cloth; clothes; clouds; counter; cupboard; curtain; desk-stuff; dirt; door-stuff; fence;
  floor-marble; floor-other; floor-stone; floor-tile; floor-wood; flower; fog; food-other; fruit; furniture-other;
  grass; gravel; ground-other; hill; house; leaves; light; mat; metal; mirror-stuff; moss; mountain; mud; napkin;
  net; paper; pavement; pillow; plant-other; plastic; platform; playingfield; railing; railroad; river; road; rock;
  roof; rug; salad; sand; sea; shelf; sky-other; skyscraper; snow; solid-other; stairs; stone; straw;
  structural-other; table; tent; textile-other; towel; tree; vegetable; wall-brick; wall-concrete; wall-other;
  wall-panel; wall-stone; wall-tile; wall-wood; water-other; waterdrops; window-blind; window-other; wood
`
  .split(";")
  .map((name) => name.trim().replace(/\s+/g, " "));

/** Labels that COCO never drew. */
const UNUSED = new Set(
  "street sign; hat; shoe; eye glasses; plate; mirror; window; desk; door; blender; hair brush".split("; "),
);

const USED = [...LABELS.keys()].filter((id) => !UNUSED.has(LABELS[id]));
const CLASSES: ClassList = { names: USED.map((id) => LABELS[id]), palette: vocPalette(USED.length) };

/** COCO-Stuff of 164 thousand images: 171 classes of the 182 labels. */
export const cocoStuff: Preparation = {
  name: "coco-stuff",
  title: "COCO-Stuff, 171 classes",
  layout:
    "train2017/*.jpg, val2017/*.jpg and stuffthingmaps/{train2017,val2017}/*.png (stuffthingmaps_trainval2017.zip)",
  published: { train: 118287, val: 5000 },
  async read({ folder }) {
    const all = await filesBelow(folder, ["**/{train,val}2017/*.jpg", "**/{train,val}2017/*.png"]);
    const of = (split: string, end: string) =>
      all.filter((file) => file.includes(`${split}2017/`) && file.endsWith(end));
    const masks = all.filter((file) => file.endsWith(".png"));
    // OpenMMLab's converter writes masks of the 171 classes beside those that were published.
    const converted = masks.length > 0 && !masks.some((file) => !file.endsWith(CONVERTED));
    const end = converted ? CONVERTED : ".png";
    const [train, val] = ["train", "val"].map((split) =>
      pairFiles(
        { folder, files: of(split, ".jpg"), key: nameOf },
        { folder, files: of(split, end).filter((file) => converted || !file.endsWith(CONVERTED)), key: nameOf },
      ),
    );
    return {
      splits: { train: train.pairs, val: val.pairs },
      classes: CLASSES,
      ...(converted
        ? {}
        : {
            ids: idRanges(USED.map((id, label) => [id, label])),
            ignore: rangesOf([...LABELS.keys()].filter((id) => UNUSED.has(LABELS[id]))),
          }),
      problems: [...train.problems, ...val.problems],
      notes: [
        converted
          ? "masks converted before (labelTrainIds)"
          : "masks as published: 171 of their 182 labels are classes",
      ],
    };
  },
};

const CONVERTED = "_labelTrainIds.png";

const nameOf = (file: string) => withoutExtension(file.slice(file.lastIndexOf("/") + 1)).replace(/_labelTrainIds$/, "");
