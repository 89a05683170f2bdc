/** Hosts on one machine: network namespaces on a bridge, whose links are as slow as `tc` makes them. Linux, root, iproute2. */
import { spawnSync } from "node:child_process";

/** What each host's link to the others is like; as fast as the machine where nothing is said. */
export interface Link {
  /** As `tc` has it: `1gbit`. It holds for what a host sends. */
  readonly rate?: string;
  /** One way: `1ms`. */
  readonly delay?: string;
}

export interface TestNetwork {
  /** Of the first host. */
  readonly address: string;
  /** What each host calls its link. */
  readonly interface: string;
  /** The command that runs `words` on a host. */
  on(host: number, words: readonly string[]): string[];
  dispose(): void;
}

/** All hosts are this one: where there can be no namespaces. Its counters are of all ranks together. */
export const loopback: TestNetwork = {
  address: "127.0.0.1",
  interface: "lo",
  on: (_, words) => [...words],
  dispose() {},
};

/** Of what is made here; the names of links have 15 letters at most. */
const PREFIX = `p${process.pid}`;

/** @throws Error with what `ip` or `tc` said: no root, or a kernel that lacks veth, tbf (a rate) or netem (a delay). */
export function makeNetwork(hosts: number, { rate, delay }: Link): TestNetwork {
  const bridge = `${PREFIX}-net`;
  const name = (host: number) => `${PREFIX}-${host}`;
  const dispose = () => {
    process.off("exit", dispose);
    for (let host = 0; host < hosts; host++) {
      spawnSync("ip", ["link", "del", `${name(host)}-out`]);
      spawnSync("ip", ["netns", "del", name(host)]);
    }
    spawnSync("ip", ["link", "del", bridge]);
  };
  process.once("exit", dispose);
  try {
    say(`ip link add ${bridge} type bridge`);
    say(`ip link set ${bridge} up`);
    for (let host = 0; host < hosts; host++) {
      const [space, outer] = [name(host), `${name(host)}-out`];
      say(`ip netns add ${space}`);
      say(`ip link add ${outer} type veth peer name eth0 netns ${space}`);
      say(`ip link set ${outer} master ${bridge} up`);
      say(`ip -n ${space} link set lo up`);
      say(`ip -n ${space} link set eth0 up`);
      say(`ip -n ${space} address add ${addressOf(host)}/24 dev eth0`);
      if (delay) say(`tc -n ${space} qdisc add dev eth0 root handle 1: netem delay ${delay}`);
      const parent = delay ? "parent 1:" : "root";
      if (rate) say(`tc -n ${space} qdisc add dev eth0 ${parent} tbf rate ${rate} burst 256kb latency 100ms`);
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    address: addressOf(0),
    interface: "eth0",
    on: (host, words) => ["ip", "netns", "exec", name(host), ...words],
    dispose,
  };
}

const addressOf = (host: number) => `10.213.0.${host + 1}`;

function say(command: string): void {
  const [program, ...words] = command.split(" ");
  const { status, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim()}`);
}
