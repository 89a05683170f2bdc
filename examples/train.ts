// Trains a very small PSPNet on made scenes from code, and segments a scene that it has not seen.
//   npx tsx examples/train.ts
import { writeFile } from "node:fs/promises";
import { encodePng, load, makeScene, train, writeScenes } from "pspnet";

await writeScenes({ folder: "runs/few-scenes", train: 24, val: 6, width: 96, height: 96, seed: 1 });

const { folder, state } = await train(
  {
    name: "example",
    data: { root: "runs/few-scenes" },
    model: { backbone: { layers: 18, width: 8 }, head: { channels: 32 }, auxiliary: { channels: 16 } },
    crop: 81,
    batch: 8,
    epochs: 3,
  },
  { stream: process.stderr },
);
console.log(
  `mIoU ${(100 * state.best!.meanIoU).toFixed(1)} % after ${state.step} steps; report: ${folder}/report.html`,
);

const net = await load(`${folder}/weights/best.safetensors`);
try {
  const { image } = makeScene({ width: 160, height: 120, seed: 2, index: 0 });
  const { overlay } = await net.segment(image);
  await writeFile(`${folder}/overlay.png`, await encodePng(overlay));
} finally {
  await net.dispose();
}
