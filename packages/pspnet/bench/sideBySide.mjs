// Two benchmarks in turns on one machine, and the ratio of their times: noise that lasts hits both.
//   node packages/pspnet/bench/sideBySide.mjs [--rounds 3] "<their command>" "<our command>"
// Each command prints a JSON line with median_s.
import { spawnSync } from "node:child_process";
import { flags } from "./flags.mjs";

const { rounds, positionals } = flags({ rounds: 3 });
if (positionals.length !== 2) {
  console.error('sideBySide: expected two commands in quotes: "<theirs>" "<ours>"');
  process.exit(2);
}

function seconds(command) {
  const { status, stdout } = spawnSync(command, {
    shell: true,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = stdout.split("\n").findLast((line) => line.includes('"median_s"'));
  if (status !== 0 || line === undefined) {
    console.error(`sideBySide: expected a JSON line with median_s from ${command}, found exit code ${status}`);
    process.exit(1);
  }
  return JSON.parse(line).median_s;
}

const ratios = [];
for (let round = 1; round <= rounds; round++) {
  const [theirs, ours] = positionals.map(seconds);
  ratios.push(ours / theirs);
  const shown = [theirs, ours, ours / theirs].map((value) => value.toFixed(3));
  console.log(`round ${round}: theirs ${shown[0]} s, ours ${shown[1]} s, ratio ${shown[2]}`);
}
ratios.sort((a, b) => a - b);
console.log(`ratio, median of ${ratios.length}: ${ratios[ratios.length >> 1].toFixed(3)}`);
