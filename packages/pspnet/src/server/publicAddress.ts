import { BlockList, isIPv4, isIPv6 } from "node:net";

/** What IANA's registries of special-purpose addresses say is not reached from everywhere, and multicast. */
const NOT_PUBLIC_4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
];
/** All that is given out so far; what maps or translates version 4 lies outside. */
const PUBLIC_6 = ["2000::/3"];
/** Within it: protocols and tunnels (Teredo, 6to4), whose version 4 addresses may be any, and documentation. */
const NOT_PUBLIC_6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const notPublic4 = blockList(NOT_PUBLIC_4, "ipv4");
const public6 = blockList(PUBLIC_6, "ipv6");
const notPublic6 = blockList(NOT_PUBLIC_6, "ipv6");

/** Whether an IP address is one of the public network: not this machine's, nor of networks around it. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic4.check(address, "ipv4");
  return isIPv6(address) && public6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

function blockList(ranges: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net, prefix] = range.split("/");
    list.addSubnet(net, Number(prefix), family);
  }
  return list;
}
