import { ask, cannotRun } from "./ffmpeg.js";

/** What the ffmpeg that is installed can do. */
export interface Abilities {
  /** Options that have each frame keep its own time, none made and none left out. */
  readonly ownTimes: readonly string[];
  /** Its encoder of H.264. */
  readonly encoder: (typeof ENCODERS)[number] | undefined;
}

/** In order of preference. */
const ENCODERS = ["libx264", "libopenh264"] as const;

let asked: Promise<Abilities> | undefined;

/**
 * Looks once.
 *
 * @throws PspnetError "environment" where there is no ffmpeg.
 */
export function abilities(): Promise<Abilities> {
  asked ??= look();
  return asked;
}

async function look(): Promise<Abilities> {
  const help = await ask("ffmpeg", ["-h", "full"], cannotRun);
  return {
    // The older name is deprecated where there is the newer.
    ownTimes: [/^-fps_mode/m.test(help) ? "-fps_mode" : "-vsync", "passthrough"],
    encoder: ENCODERS.find((name) => new RegExp(`^${name}(?:enc)? AVOptions`, "m").test(help)),
  };
}
