// Times a benchmark, once or in turns with others: scripts/peers/turns.py is the same in Python.
import { createInterface } from "node:readline";

/** The flags of each benchmark that takes turns. */
export const TURN_FLAGS = { runs: 5, turns: false, build: "" };

/**
 * Warms up; then prints the seconds of `runs` runs as a line of JSON. With `turns` it says `{"ready":true}` and takes a turn, of as many
 * runs, for each line on standard input, so that benchmarks in processes of their own can run by turns.
 * @param options.about what the lines say beside that, and `last` what only a turn's line does.
 */
export async function takeTurns(run, { runs, turns, warmUp = 2, before = run, about = {}, last = () => ({}) }) {
  const tell = (line) => console.log(JSON.stringify({ ...about, ...line }));
  const turn = async () => {
    const [times, processorTimes] = [[], []];
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      const used = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(used);
      times.push((performance.now() - start) / 1000);
      processorTimes.push((user + system) / 1e6);
    }
    for (const list of [times, processorTimes]) list.sort((a, b) => a - b);
    tell({
      median_s: times[runs >> 1],
      min_s: times[0],
      processor_s: processorTimes[runs >> 1],
      peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
      ...last(),
    });
  };
  for (let i = 0; i < warmUp; i++) await before();
  if (!turns) return turn();
  tell({ ready: true });
  for await (const _ of createInterface({ input: process.stdin })) await turn();
}
