import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import type { ClassArea } from "@pspnet/core";
import { makeFolder } from "../files/makeFolder.js";
import { outputFile } from "../files/outputFile.js";
import { writeError } from "../files/writeError.js";
import type { FramePlace } from "./readFrames.js";

/** JSON lines of the areas of a film's frames, one a frame, written as they come. */
export class AreaLines {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Begins a file; one that stands there is replaced.
   *
   * @throws PspnetError "environment" where none can be written, "usage" for a device or a pipe.
   */
  static async begin(path: string): Promise<AreaLines> {
    const target = await outputFile(path);
    try {
      await makeFolder(dirname(target));
      return new AreaLines(path, await open(target, "w"));
    } catch (cause) {
      throw await writeError(cause as NodeJS.ErrnoException, { path, needed: 0, kept: "nothing was written" });
    }
  }

  /** @throws PspnetError "environment" when the disk is full. */
  async write({ frame, time }: FramePlace, areas: readonly ClassArea[]): Promise<void> {
    const line = `${JSON.stringify({ frame, time, areas })}\n`;
    try {
      await this.#file.writeFile(line);
    } catch (cause) {
      const kept = "the lines before are kept";
      throw await writeError(cause as NodeJS.ErrnoException, { path: this.#path, needed: line.length, kept });
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
