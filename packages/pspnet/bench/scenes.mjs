// Images a second, on one core, that the scenes' generator makes: node packages/pspnet/bench/scenes.mjs [size] [seconds]
import { makeScene } from "@pspnet/scenes";

const size = Number(process.argv[2] ?? 256);
const seconds = Number(process.argv[3] ?? 3);
for (let index = 0; index < 12; index++) makeScene({ width: size, height: size, seed: 1, index });

const start = performance.now();
let index = 0;
while (performance.now() - start < seconds * 1000) makeScene({ width: size, height: size, seed: 2, index: index++ });
const rate = (index / (performance.now() - start)) * 1000;
console.log(`${size}x${size}: ${rate.toFixed(1)} images/s on one core (${index} images)`);
