import { load, type WebNetwork } from "@pspnet/web";

const plain = new Worker(new URL("plain.ts", import.meta.url), { type: "module" });

function asked(question: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    plain.onmessage = ({ data }) => resolve(data);
    plain.onerror = ({ message }) => reject(new Error(message));
    plain.postMessage(question);
  });
}

let net: WebNetwork;

/** Opens both; what each took, seconds. */
async function open(threads: number): Promise<readonly [plain: number, ours: number]> {
  let start = performance.now();
  await asked({ model: "/plain.onnx", threads });
  const first = performance.now() - start;
  start = performance.now();
  net = await load("/weights.safetensors", { backend: "wasm", threads, cache: false });
  return [first / 1000, (performance.now() - start) / 1000];
}

/** Seconds from pixels to labels of each, in turns. */
async function times(size: number, runs: number): Promise<(readonly [plain: number, ours: number])[]> {
  const data = Uint8Array.from({ length: 3 * size * size }, (_, i) => (i * 2654435761) >>> 24);
  const results: (readonly [number, number])[] = [];
  for (let run = 0; run <= runs; run++) {
    let start = performance.now();
    await asked({ data, size });
    const first = performance.now() - start;
    start = performance.now();
    await net.labels({ width: size, height: size, data });
    results.push([first / 1000, (performance.now() - start) / 1000]);
  }
  return results.slice(1);
}

Object.assign(globalThis, { open, times });
