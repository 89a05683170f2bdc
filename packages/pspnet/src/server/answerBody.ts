import { labelRuns, type Segmentation } from "@pspnet/core";
import { encodeMask, encodePng } from "../files/png.js";
import type { AnswerKind } from "./answerKind.js";
import type { SegmentationJson } from "./schemas.js";

/** What a request is answered with; `model` is the network's name. */
export async function answerBody(
  segmentation: Segmentation,
  { kind, model }: { readonly kind: AnswerKind; readonly model: string },
): Promise<Uint8Array> {
  switch (kind) {
    case "labels":
      return encodeMask(segmentation.labels, segmentation.classes.palette);
    case "colour":
      return encodePng(segmentation.colour);
    case "overlay":
      return encodePng(segmentation.overlay);
    case "json": {
      const { labels, areas } = segmentation;
      const { width, height } = labels;
      const json: SegmentationJson = { model, width, height, areas: [...areas], runs: labelRuns(labels) };
      return new TextEncoder().encode(JSON.stringify(json));
    }
  }
}
