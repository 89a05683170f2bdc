import type { ClassArea, ClassList } from "@pspnet/core";
import { labelsOfRuns } from "@pspnet/core";
import { fileOf } from "../picture/photograph.js";
import type { Open } from "./segmenter.js";

// What `pspnet serve` answers (docs/server.md), as far as it is used here.

export interface ServerModel {
  readonly name: string;
  readonly classes: readonly { readonly name: string; readonly colour: ClassList["palette"][number] }[];
  readonly runtime: string;
  readonly licence: string;
  readonly meanIoU: number | null;
}

interface Answer {
  readonly width: number;
  readonly height: number;
  readonly areas: readonly ClassArea[];
  readonly runs: readonly number[];
}

/** The server that the page came from. */
export class Server {
  #token: string | null = null;

  /** What it wants from whoever asks; null: nothing. */
  set token(token: string | null) {
    this.#token = token;
  }

  /** Its networks; null when it wants another token. */
  async models(): Promise<readonly ServerModel[] | null> {
    const answer = await this.#ask("v1/models");
    if (answer.status === 401) return null;
    return ((await good(answer)) as { readonly models: readonly ServerModel[] }).models;
  }

  /** One of its networks, ready to be asked. */
  open(model: ServerModel): Open {
    const { name, runtime, licence, meanIoU } = model;
    const classes = {
      names: model.classes.map(({ name }) => name),
      palette: model.classes.map(({ colour }) => colour),
    };
    const score = meanIoU === null ? null : `${(100 * meanIoU).toFixed(1)} % mIoU`;
    const told = { because: null, score, licence, looksAt: null };
    return async () => ({
      facts: { name, classes, where: "server", runsOn: `this server, ${runtime}`, ...told },
      segment: async (photograph, { signal }) => {
        const start = performance.now();
        const body = await fileOf(photograph);
        const address = `v1/segment?model=${encodeURIComponent(name)}`;
        const headers = { accept: "application/json" };
        const answer = (await good(await this.#ask(address, { method: "POST", body, headers, signal }))) as Answer;
        const labels = labelsOfRuns(answer.runs, answer);
        return { labels, areas: answer.areas, classes, milliseconds: performance.now() - start };
      },
      close() {},
    });
  }

  async #ask(address: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...init.headers, ...(this.#token !== null && { authorization: `Bearer ${this.#token}` }) };
    try {
      return await fetch(new URL(address, document.baseURI), { ...init, headers });
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw new Error("The server does not answer. See that it runs, and try again", { cause });
    }
  }
}

/** The JSON of a good answer. @throws Error with the server's own words for another. */
async function good(answer: Response): Promise<unknown> {
  const json = await answer.json().catch(() => null);
  if (answer.ok && json !== null) return json;
  throw new Error(`The server refused: ${json?.detail ?? `status ${answer.status}`}`);
}
