// Asks a server (npx pspnet serve best.safetensors) what a photograph shows, and for the photograph tinted by it.
//   npx tsx examples/askServer.ts http://127.0.0.1:8080 photo.jpg
import { readFile, writeFile } from "node:fs/promises";
import type { SegmentationJson } from "pspnet/server";

const [server, photograph] = process.argv.slice(2);
const body = await readFile(photograph);

async function ask(accept: string): Promise<Response> {
  const answer = await fetch(new URL("/v1/segment", server), { method: "POST", body, headers: { accept } });
  if (answer.ok) return answer;
  const { detail } = (await answer.json()) as { detail: string };
  throw new Error(`${answer.status}: ${detail}`);
}

const { areas } = (await (await ask("application/json")).json()) as SegmentationJson;
for (const { name, share } of areas) console.log(`${name}: ${(100 * share).toFixed(1)} %`);
const overlay = await ask("image/png; view=overlay");
await writeFile("overlay.png", Buffer.from(await overlay.arrayBuffer()));
