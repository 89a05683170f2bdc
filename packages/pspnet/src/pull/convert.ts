import { describeWeights, importCheckpoint, safetensorsPieces } from "@pspnet/core";
import { atomicWrite } from "../files/atomicWrite.js";
import { readForeign } from "../files/readForeign.js";
import { datasetTitle, type ZooEntry } from "./zoo.js";

/**
 * Makes the weights file `out` of an entry's files: imported as the network that it is known to be, with the licence, the published
 * score and the address in its metadata.
 */
export async function convert(entry: ZooEntry, files: readonly string[], out: string): Promise<void> {
  const { fields, crop, licence, source, score, files: remote } = entry;
  const checkpoint = await readForeign(files);
  const options = { fields, crop: crop ?? undefined, licence };
  const { description, metadata, state } = importCheckpoint(checkpoint, options);
  const origin = remote.map(({ url }) => url).join(" ");
  const published = { meanIoU: score / 100, dataset: `${datasetTitle(entry)}, as ${source} published it` };
  const told = description ? describeWeights({ ...description, score: published, origin }) : { ...metadata, origin };
  await atomicWrite(out, safetensorsPieces(state, told));
}
