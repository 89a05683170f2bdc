// HDF5 files of arrays, above all Keras's: what `save_weights` writes of versions 2 and 3, and whole models.
import { PspnetError } from "../error.js";
import { TextAttributes } from "../hdf5/attributes.js";
import { tensorOfDataset } from "../hdf5/dataset.js";
import { linksOf } from "../hdf5/links.js";
import { MESSAGE, ObjectHeader } from "../hdf5/objectHeader.js";
import { openHdf5, superblockAt } from "../hdf5/superblock.js";
import { checkName } from "../limits.js";
import type { State, StateTensor } from "../tensor.js";
import type { Format } from "./format.js";

/** The groups of Keras's optimisers. */
const OPTIMISER = /^optimizer(_weights)?\//;

/**
 * Datasets by their paths, `conv6/conv6/kernel:0`. Keras 3 calls groups by kind and number (`layers/conv2d_1/vars/0`) and notes
 * a layer's own name: that stands in its place (`layers/conv6/vars/0`).
 */
export const hdf5: Format = {
  recognises: (bytes) => superblockAt(bytes) !== null,
  read(bytes) {
    const { file, root } = openHdf5(bytes);
    const attributes = new TextAttributes(file);
    const found = new Map<string, StateTensor>();
    const walk = (address: number, path: string): void => {
      const header = new ObjectHeader(file, address, path || "/");
      if (header.has(MESSAGE.layout)) {
        if (found.has(path)) throw new PspnetError("format", `${path}: two datasets have this name`);
        found.set(path, tensorOfDataset(file, header));
        return;
      }
      const layer = /^(.*\/)[^/]+\/vars$/.exec(path);
      const name = layer && attributes.of(header).get("name");
      const place = name ? `${layer[1]}${name}/vars` : path;
      for (const link of linksOf(file, header)) {
        const inner = path === "" ? link.name : `${place}/${link.name}`;
        checkName(inner);
        walk(link.address, inner);
      }
      if (path === "") metadata = Object.fromEntries(attributes.of(header));
    };
    let metadata: Readonly<Record<string, string>> = {};
    walk(root, "");
    file.checkApart();
    const those = (kept: (name: string) => boolean): State => new Map([...found].filter(([name]) => kept(name)));
    return {
      format: "HDF5",
      state: those((name) => !OPTIMISER.test(name)),
      beside: those((name) => OPTIMISER.test(name)),
      metadata,
    };
  },
};
