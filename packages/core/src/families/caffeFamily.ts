import type { StateTensor } from "@pspnet/checkpoints";
import type { Depth } from "../backbone/resnet.js";
import type { GivenParts } from "../model/parts.js";
import { caffeParts } from "../presets/caffe.js";
import { paperCrop } from "../presets/preset.js";
import { type CaffeTensor, nameOf } from "./caffeNames.js";
import { flattened } from "./changes.js";
import { type Assumption, type Change, type Family, type Fate, told } from "./family.js";
import { residualFields } from "./shapes.js";

/** The official Caffe release's network, or a port of it that keeps its layers' names. */
export interface CaffePort extends Pick<Family, "name" | "title"> {
  /** What a name stands for, why its tensor is left out, or null for a name that the port has not. */
  read(name: string): CaffeTensor | { readonly drop: string } | null;
  /** What the kernels of convolutions need. */
  readonly kernel?: Change;
  /** Where a network of that depth strides, and who says so. */
  strideIn(layers: Depth): readonly [place: "1x1" | "3x3", why: string];
  /** Where a port's network of so many classes is another. */
  otherwise?(classes: number): PortVariant | null;
}

interface PortVariant {
  readonly fields: GivenParts;
  /** Side of the windows that it predicts in. */
  readonly crop: number;
  readonly assumed?: readonly Assumption[];
}

/** Ceiled max pooling, as Caffe has it with padding 1, gives the same as PyTorch's at sides of 8n+1, the only ones of the release. */
export function caffeFamily({ name, title, read, kernel, strideIn, otherwise }: CaffePort): Family {
  return {
    name,
    title,
    fate(name, tensor): Fate | null {
      const found = read(name);
      if (found === null || "drop" in found) return found;
      const ours = nameOf(found);
      const vector = found.norm || found.parameter === "bias";
      const change = vector ? flattenedIfNot(tensor) : kernel;
      return ours === null ? null : { name: ours, change };
    },
    network(state) {
      const found = residualFields(state);
      if (!found) return null;
      const { classes, parts } = found;
      const [place, why] = strideIn(parts.backbone.layers);
      const variant: PortVariant = otherwise?.(classes) ?? { fields: {}, crop: paperCrop(classes) };
      return {
        fields: told(variant.fields, told(parts, caffeParts({ ...parts.backbone, strideIn: place }))),
        classes,
        assumed: [
          { key: "backbone.strideIn", why },
          { key: "pyramid.concatOrder", why: `${name} concatenates x, 6, 3, 2, 1` },
          { key: "upsampling.alignCorners", why: `${name} enlarges from corner to corner` },
          { key: "input.channelOrder", why: `${name} takes the mean colour off images of blue, green and red` },
          ...(variant.assumed ?? []),
        ],
        crop: variant.crop,
      };
    },
  };
}

function flattenedIfNot({ shape }: StateTensor): Change | undefined {
  return shape.length === 1 ? undefined : flattened;
}
