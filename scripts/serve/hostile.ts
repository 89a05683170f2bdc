// Asks a server of its own what means it no good: each request must be answered with a 4xx, and the good one after it be served.
//   npx tsx scripts/serve/hostile.ts [--count 200] [--seed 1]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { encodePng, makeScene, pspnetConfig, random, randomWeights } from "pspnet";
import { serve } from "pspnet/server";
import { HOSTILE } from "../../packages/pspnet/test/support/hostile.js";
import { photoHosts } from "../../packages/pspnet/test/support/photoHosts.js";

const { values } = parseArgs({
  options: { count: { type: "string", default: "200" }, seed: { type: "string", default: "1" } },
});
const [count, seed] = [Number(values.count), Number(values.seed)];

const folder = mkdtempSync(join(tmpdir(), "pspnet-hostile-"));
const weights = join(folder, "net.safetensors");
writeFileSync(
  weights,
  randomWeights(pspnetConfig({ classes: 12, layers: 18, width: 8, headChannels: 32, aux: false })),
);
const photograph = await encodePng(makeScene({ width: 123, height: 89, seed: 2, index: 0 }).image);
const hosts = await photoHosts(photograph);
const server = await serve([{ name: "net", weights }], {
  resolve: hosts.resolve,
  isPublic: hosts.isPublic,
  port: 0,
  maxBody: 2_000_000,
  bodySeconds: 1,
  allowUrls: true,
});

const statuses = new Map<number, number>();
const failures: string[] = [];
for (let i = 0; i < count; i++) {
  const { name, send } = HOSTILE[i % HOSTILE.length];
  const target = { base: server.url, photograph, port: hosts.port };
  const status = await send(target, random(seed, i)).catch((error: Error) => error.message);
  if (typeof status === "number") statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (!(Number(status) >= 400 && Number(status) < 500)) failures.push(`${name} (${i}): ${status}`);
  const good = await fetch(`${server.url}v1/segment`, { method: "POST", body: photograph });
  await good.arrayBuffer();
  if (good.status !== 200) failures.push(`after ${name} (${i}): ${good.status}`);
}
for (const path of hosts.reached) failures.push(`reached inside: ${path}`);

await server.stop();
await hosts[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
const counts = [...statuses].sort().map(([status, many]) => `${many} x ${status}`);
console.log(`${count} requests: ${counts.join(", ")}`);
for (const failure of failures) console.log(failure);
if (failures.length > 0) process.exitCode = 1;
