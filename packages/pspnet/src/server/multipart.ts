import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { Problem } from "./problem.js";

/** Beside the photograph a form has few fields, or it is none of ours. */
const LIMITS = { files: 1, fields: 16, fieldSize: 1000, parts: 17, headerPairs: 16, headerSize: 4096 };

/** Bytes that are looked at before it is asked whether more are worth it. */
const PIECE = 65_536;

/**
 * The file of a form's field `image`.
 *
 * @param body all of it, whose size somebody has looked at.
 * @throws Problem 400 for what is no form, and one without such a file or with more.
 */
export function imageOfForm(body: Uint8Array, contentType: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let failed = false;
    const fail = (found: string) => {
      failed = true;
      reject(new Problem(400, `multipart/form-data: expected one file in a field named image, found ${found}`));
    };
    let image: Uint8Array | null = null;
    const parser = parserOf(contentType, fail);
    if (parser === null) return;
    parser.on("file", (name, stream) => {
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        if (name === "image") image = Buffer.concat(chunks);
      });
      // Of a form that breaks off.
      stream.on("error", () => {});
    });
    for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"]) parser.on(limit, () => fail("more parts"));
    parser.on("error", (error) => fail((error as Error).message));
    parser.on("finish", () => (image ? resolve(image) : fail("none")));
    for (let at = 0; at < body.byteLength && !failed; at += PIECE)
      parser.write(Buffer.from(body.subarray(at, at + PIECE)));
    parser.end();
  });
}

function parserOf(contentType: string, fail: (found: string) => void): BusboyInstance | null {
  try {
    return new Busboy({ headers: { "content-type": contentType }, limits: LIMITS });
  } catch (error) {
    fail((error as Error).message);
    return null;
  }
}
