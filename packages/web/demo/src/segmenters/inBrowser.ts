import { type Crop, cropSize, type SegmentOptions } from "@pspnet/core";
import { type Backend, load, type WebNetwork } from "@pspnet/web";
import type { Photograph } from "../picture/photograph.js";
import type { Detail, NetworkFacts, Open } from "./segmenter.js";

export interface NamedWeights {
  readonly name: string;
  readonly weights: string | File;
}

/** A network in a worker of the page. */
export function inBrowser({ name, weights }: NamedWeights): Open {
  return async ({ signal, tell }) => {
    const net = await load(weights, {
      signal,
      onDownload: ({ loaded, total }) => {
        const share = total ? loaded / total : null;
        if (share === 1) tell({ what: "Starting the network", share: null });
        else
          tell({
            what: `Loading the network, ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ""} MB`,
            share,
          });
      },
    });
    const { classes, description } = net;
    return {
      facts: factsOf(name, net),
      async segment(photograph, { detail, ...options }) {
        const start = performance.now();
        const looked = lookedAt(photograph.bitmap, detail, description.crop);
        const { labels, areas } = await net.segment(photograph.file ?? photograph.bitmap, { ...looked, ...options });
        return { labels, areas, classes, milliseconds: performance.now() - start };
      },
      close: () => void net.dispose(),
    };
  };
}

/** A photograph that is larger than what the network was trained on is looked at in a smaller copy, or in windows. */
function lookedAt({ width, height }: Photograph["bitmap"], detail: Detail, crop: Crop): SegmentOptions {
  if (detail === "every") return { crop };
  const most = longSides(crop)[detail];
  return Math.max(width, height) > most ? { baseSize: most } : {};
}

function longSides(crop: Crop): Record<Exclude<Detail, "every">, number> {
  const { width, height } = cropSize(crop);
  const long = Math.max(width, height);
  return { quick: long, finer: 2 * long };
}

function factsOf(name: string, { classes, description, backend }: WebNetwork): NetworkFacts {
  const { score, licence, crop } = description;
  return {
    name,
    classes,
    where: "browser",
    runsOn: runsOn(backend),
    because: backend.reason,
    score: score ? `${(100 * score.meanIoU).toFixed(1)} % mIoU` : null,
    licence,
    looksAt: longSides(crop),
  };
}

function runsOn({ name, threads }: Backend): string {
  return name === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} thread${threads === 1 ? "" : "s"}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
