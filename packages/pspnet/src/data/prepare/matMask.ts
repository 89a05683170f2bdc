import { readFile } from "node:fs/promises";
import { type LabelMap, PspnetError } from "@pspnet/core";
import { readMat } from "../../files/mat.js";

/**
 * The label map that a MATLAB file holds at a path of variable and fields. Ids above 255 must be mapped first.
 *
 * @param idOf what an id of the file is in the mask; left out, the same.
 * @throws PspnetError "data" for a file that holds none.
 */
export async function readMatMask(
  path: string,
  at: readonly string[],
  idOf: (id: number) => number = (id) => id,
): Promise<LabelMap> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new PspnetError("data", `${path}: expected a MATLAB file (${cause.message})`, { cause });
  });
  const { rows, columns, values } = readMat(bytes, { at, path });
  const data = new Uint8Array(rows * columns);
  // MATLAB's matrices stand column by column.
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const id = idOf(values[x * rows + y]);
      if (!(Number.isInteger(id) && id >= 0 && id <= 255))
        throw new PspnetError(
          "data",
          `${path}: expected ids from 0 to 255 in ${at.join(".")}, found ${values[x * rows + y]}`,
        );
      data[y * columns + x] = id;
    }
  }
  return { width: columns, height: rows, data };
}
