import { endedBy } from "@pspnet/core/segment";
import { type FetchPublicOptions, fetchPublic } from "./fetchPublic.js";
import { gather } from "./gather.js";
import { IMAGE_TYPES, imageType } from "./imageType.js";
import { imageOfForm } from "./multipart.js";
import { CLOSE, Problem } from "./problem.js";
import { URL_QUESTION } from "./schemas.js";

export interface PhotographOptions extends Pick<FetchPublicOptions, "maxBody" | "signal" | "resolve" | "isPublic"> {
  readonly bodySeconds: number;
  readonly allowUrls: boolean;
}

const FORM = "multipart/form-data";
/** Whatever they say, they are told by how they begin; the second is what curl says unless it is told otherwise. */
const [RAW, CURL] = ["application/octet-stream", "application/x-www-form-urlencoded"];
const JSON_TYPE = "application/json";

/**
 * The file of a photograph that a request brings: its body, the field `image` of a form, or where its URL leads.
 *
 * @throws Problem 400, 408, 413, 415 or 422 saying what is wrong with it.
 */
export async function photographOf(request: Request, options: PhotographOptions): Promise<Uint8Array> {
  const contentType = request.headers.get("content-type") ?? RAW;
  const type = contentType.split(";")[0].trim().toLowerCase();
  const accepted = [FORM, RAW, CURL, ...IMAGE_TYPES, ...(options.allowUrls ? [JSON_TYPE] : [])];
  if (!accepted.includes(type))
    throw new Problem(415, `Content-Type: expected one of ${accepted.join(", ")}, found ${type}`);
  const body = await within(options, (signal) => bodyOf(request, { ...options, signal }));
  const photograph = await photographIn(body, { type, contentType, options });
  const found = imageType(photograph);
  if (found === null)
    throw new Problem(415, `image: expected a file that begins as one of ${IMAGE_TYPES.join(", ")}, found another`);
  if (IMAGE_TYPES.includes(type) && type !== found)
    throw new Problem(415, `image: expected ${type}, as Content-Type says, found a file that begins as ${found}`);
  return photograph;
}

interface Body {
  readonly type: string;
  readonly contentType: string;
  readonly options: PhotographOptions;
}

async function photographIn(body: Uint8Array, { type, contentType, options }: Body): Promise<Uint8Array> {
  if (type === FORM) return imageOfForm(body, contentType);
  if (type !== JSON_TYPE) return body;
  const url = urlIn(body);
  return within(options, (signal) => fetchPublic(url, { ...options, signal }));
}

/** Whoever sends slowly is waited for so long. */
async function within<R>(
  { signal, bodySeconds }: PhotographOptions,
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const late = AbortSignal.timeout(bodySeconds * 1000);
  const either = AbortSignal.any([signal, late]);
  try {
    return await endedBy(work(either), either);
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw new Problem(408, `expected the photograph within ${bodySeconds} s, found less`, CLOSE);
    throw error;
  }
}

async function bodyOf(request: Request, { maxBody }: PhotographOptions): Promise<Uint8Array> {
  const declared = request.headers.get("content-length") ?? undefined;
  if (!request.body) return new Uint8Array();
  try {
    return await gather(request.body, { maxBody, declared });
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(400, `body: expected all of it, found less (${(error as Error).message})`, CLOSE);
  }
}

function urlIn(body: Uint8Array): string {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(body));
  } catch {
    throw new Problem(400, 'body: expected JSON, as {"url": "https://..."}, found other text');
  }
  const { success, data } = URL_QUESTION.safeParse(json);
  if (!success) throw new Problem(400, 'body: expected {"url": "https://..."} of http or https and nothing else');
  return data.url;
}
