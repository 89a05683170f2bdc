import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../../bin/pspnet.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface PspnetOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What nobody reads: closed as soon as the process starts. */
  readonly closed?: "stdout" | "stderr";
  /** Called with all of standard error so far, whenever there is more. */
  readonly onMessage?: (messages: string, child: ChildProcess) => void;
}

/** Runs the command line as a user does, in a process of its own. */
export function pspnet(args: readonly string[], { cwd, env, closed, onMessage }: PspnetOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [command, ...args], { cwd, env: { ...process.env, ...env } });
    if (closed) child[closed].destroy();
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
      onMessage?.(err, child);
    });
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}
