import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** Whether Debian's redis-server, or another, is on the path. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts one that keeps nothing. */
export async function redisServer(): Promise<RedisServer> {
  const port = await freePort();
  const flags = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server: ChildProcess = spawn("redis-server", flags, { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  for await (const text of server.stdout!.setEncoding("utf8")) {
    said += text;
    if (said.includes("Ready to accept connections")) break;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const gone = once(server, "exit");
      server.kill();
      await gone;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
