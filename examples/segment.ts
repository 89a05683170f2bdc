// Segments a photograph, on libtorch or onnxruntime-node, whichever is there.
//   npx tsx examples/segment.ts runs/scenes/weights/best.safetensors photo.jpg
import { writeFile } from "node:fs/promises";
import { encodePng, load } from "pspnet";

const [weights, photograph] = process.argv.slice(2);
const net = await load(weights);
try {
  const { areas, overlay } = await net.segment(photograph);
  for (const { name, share } of areas) console.log(`${name}: ${(100 * share).toFixed(1)} %`);
  await writeFile("overlay.png", await encodePng(overlay));
} finally {
  await net.dispose(); // `await using net = await load(weights)` would do it by itself
}
