import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { Tree } from "../config/tree.js";
import { writeScenes } from "../data/writeScenes.js";
import { atomicWrite, isTemporaryFile } from "../files/atomicWrite.js";
import { FolderLock, type WaitOptions } from "../files/folderLock.js";
import { makeFolder } from "../files/makeFolder.js";
import { differingKeys } from "../train/placement.js";
import type { Settings } from "./settings.js";

export interface OpenStudyOptions extends WaitOptions {
  readonly onScene: (done: number, total: number) => void;
}

/**
 * Makes the folder of a study, with its dataset where the scale has one of its own, or opens the one that is there. Processes that do
 * it at once wait for each other.
 *
 * @throws PspnetError as {@link checkStudyFolder}.
 */
export async function openStudyFolder(settings: Settings, { onScene, ...waiting }: OpenStudyOptions): Promise<void> {
  const { folder, made, scale } = settings;
  await checkStudyFolder(settings);
  await makeFolder(folder);
  await using lock = new FolderLock({ what: "a study", doing: "makes it ready" });
  await lock.wait(folder, waiting);
  // Another study may have been made here since.
  await checkStudyFolder(settings);
  await atomicWrite(join(folder, FILE), `${JSON.stringify(descriptionOf(settings), null, 2)}\n`);
  // What is written last.
  if (!made || existsSync(join(folder, "scenes", "classes.json"))) return;
  await writeScenes({ ...scale.scenes!, folder: join(folder, "scenes") }, { onProgress: onScene });
}

const FILE = "study.json";

/**
 * Whether a study is in the folder; false when nothing is.
 *
 * @throws PspnetError "config" when what is there is another study, or none.
 */
export async function checkStudyFolder(settings: Settings): Promise<boolean> {
  const { folder } = settings;
  const file = join(folder, FILE);
  // Listed before the description is looked for: a process that is making the study writes that first.
  const names = await readdir(folder).catch(() => []);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw new PspnetError("config", `${file}: expected the description of a study (${error.message})`);
  });
  const mend = "give the study another folder by out=";
  if (text === null) {
    const other = names.find((name) => !name.startsWith("lock.json") && !isTemporaryFile(name));
    if (other === undefined) return false;
    throw new PspnetError("config", `${folder}: expected the folder of a study or none, found ${other}; ${mend}`);
  }
  const before = parse(text, file);
  const now = descriptionOf(settings);
  // Of another scale everything else is another too.
  const differences = before.scale === now.scale ? differingKeys(before, now) : [`  scale=${before.scale}`];
  if (differences.length === 0) return true;
  throw new PspnetError("config", `${folder} holds another study; ${mend}, or to go on set\n${differences.join("\n")}`);
}

function parse(text: string, file: string): Tree {
  try {
    return JSON.parse(text);
  } catch {
    throw new PspnetError("format", `${file}: expected the description of a study, found another text; move it away`);
  }
}

/** What runs of one study have in common. */
function descriptionOf({ scaleName, depths, base }: Settings): Tree {
  const { name: _, runs: __, resume: ___, ...shared } = base;
  return { scale: scaleName, depths: depths.map(({ layers }) => layers), ...shared };
}
