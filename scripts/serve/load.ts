// How many photographs a second a server segments beside the runtime alone, and what its event loop, its memory and its clients see.
// The load comes from autocannon (npx fetches it), in a process of its own. On Linux; leave the machine alone meanwhile.
//   npx tsx scripts/serve/load.ts [weights.safetensors] [--seconds 60] [--connections 16] [--size 473] [--threads 0]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encodePng, load, makeScene, pspnetConfig, randomWeights } from "pspnet";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    connections: { type: "string", default: "16" },
    size: { type: "string", default: "473" },
    threads: { type: "string", default: "0" },
  },
});
const [seconds, size] = [Number(values.seconds), Number(values.size)];
const AUTOCANNON = "autocannon@9.0.0";
const command = fileURLToPath(new URL("../../packages/pspnet/bin/pspnet.js", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "pspnet-load-"));
const [weights, photo] = [positionals[0] ?? join(folder, "net.safetensors"), join(folder, "photo.png")];
if (positionals.length === 0)
  writeFileSync(weights, randomWeights(pspnetConfig({ classes: 150, layers: 50, aux: false })));
const { image } = makeScene({ width: size, height: size, seed: 2, index: 0 });
writeFileSync(photo, await encodePng(image));

/** Photographs a second, one after the other. */
async function alone(): Promise<number> {
  await using net = await load(weights, { threads: Number(values.threads) });
  await net.labels(image);
  const start = performance.now();
  let done = 0;
  for (; performance.now() - start < (seconds * 1000) / 2; done++) await net.labels(image);
  return done / ((performance.now() - start) / 1000);
}

interface Sample {
  /** Of the event loop in the second before, p99, milliseconds. */
  readonly lag: number;
  /** MiB. */
  readonly server: number;
  readonly networks: number;
}

async function underLoad() {
  const server = spawn(process.execPath, [command, "serve", weights, "--port", "0", "--threads", values.threads], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let networks = 0;
  createInterface(server.stderr).on("line", (line) => {
    networks = JSON.parse(line).process ?? networks;
  });
  const [text] = await once(server.stdout, "data");
  const url = /http:\S+/.exec(String(text))![0];
  await (await fetch(`${url}v1/segment`, { method: "POST", body: readFileSync(photo) })).arrayBuffer();
  const flags = ["--json", "-c", values.connections, "-d", values.seconds, "-t", "60", "-m", "POST"];
  // Its other way of sending a file takes it for text.
  flags.push("-F", JSON.stringify({ image: { type: "file", path: photo } }));
  const cannon = spawn("npx", ["--yes", AUTOCANNON, ...flags, "-H", "accept=image/png", `${url}v1/segment`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  cannon.stdout.setEncoding("utf8").on("data", (part) => {
    out += part;
  });
  const ended = once(cannon, "close");
  const samples: Sample[] = [];
  const timer = setInterval(async () => {
    const figures = await (await fetch(`${url}metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(figures)?.[1]);
    samples.push({
      lag: 1000 * value("nodejs_eventloop_lag_p99_seconds"),
      server: value("process_resident_memory_bytes") / 2 ** 20,
      networks: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${networks}/status`, "utf8"))?.[1]) / 1024,
    });
  }, 1000);
  await ended;
  clearInterval(timer);
  const stopped = once(server, "exit");
  server.kill("SIGTERM");
  const [code] = await stopped;
  return { ...JSON.parse(out), samples, code };
}

const most = (values: readonly number[]) => Math.round(Math.max(...values));

const before = await alone();
const found = await underLoad();
const after = await alone();
const base = (before + after) / 2;
const rate = found["2xx"] / found.duration;
const { samples } = found as { samples: Sample[] };
const settled = samples.slice(Math.min(10, samples.length >> 1));
console.log(`runtime alone: ${before.toFixed(2)} and ${after.toFixed(2)} photographs/s of ${size}x${size}`);
console.log(
  `server, ${values.connections} connections, ${found.duration} s: ${rate.toFixed(2)}/s, ${(rate / base).toFixed(3)} of it`,
);
console.log(
  `answers: ${found["2xx"]} of 2xx, ${found.statusCodeStats?.["503"]?.count ?? 0} of 503, ${found.non2xx} not of 2xx, ` +
    `${found.errors} errors, ${found.timeouts} timeouts`,
);
console.log(`latency: ${found.latency.p50} ms in the middle, ${found.latency.p99} ms p99`);
console.log(`event loop, p99 of each second: ${most(samples.map(({ lag }) => lag))} ms at most`);
for (const process of ["server", "networks"] as const) {
  const sizes = settled.map((sample) => sample[process]);
  console.log(
    `memory of the ${process}: ${Math.round(sizes[0])} MiB, then ${most(sizes)} at most, ${Math.round(sizes.at(-1)!)} at the end`,
  );
}
console.log(`SIGTERM: exit code ${found.code}`);
rmSync(folder, { recursive: true });
