/** Ends the process where one input takes too long or too much; a thread, as the other one may never come back. */
import { writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** How many inputs were begun, the limits of `watched.ts`, and the file for the reason. */
const { begun, limits, why } = workerData;

function end(reason) {
  writeFileSync(why, reason);
  process.kill(process.pid, "SIGKILL");
}

function secondsOfProcess() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

let last = -1;
let began = 0;
setInterval(() => {
  if (begun[0] !== last) {
    last = begun[0];
    began = secondsOfProcess();
  }
  if (secondsOfProcess() - began > limits.seconds) end(`took more than ${limits.seconds} s`);
  if (process.memoryUsage.rss() > limits.memory) end(`took more than ${limits.memory / 2 ** 20} MiB`);
}, 20);
