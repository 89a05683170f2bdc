// Where a package index has a wheel, and parts of it. Node's own modules only. It asks the index that pip is set to, by the Simple
// API (PEP 503 and 691); what only pip itself can do, it refuses.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";

/** Milliseconds that a server may say nothing. */
const PATIENCE = 30_000;
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What pip reads of its configuration files; empty without pip. */
function pipConfiguration() {
  const { status, stdout } = spawnSync("python3", ["-m", "pip", "config", "list"], { encoding: "utf8" });
  const lines = status === 0 ? stdout.split("\n") : [];
  return new Map(
    lines.flatMap((line) => [/^(?:global|install)\.([\w-]+)='(.*)'$/.exec(line)?.slice(1)].filter(Boolean)),
  );
}

/**
 * The index's address and the certificates it is trusted by, as pip has them.
 * @throws where pip is set to something that is left to pip: a proxy, no index, a client's certificate, trusted hosts.
 */
export function indexSettings(env = process.env, configuration = pipConfiguration()) {
  const setting = (name) => env[`PIP_${name.replace(/-/g, "_").toUpperCase()}`] || configuration.get(name);
  for (const name of ["no-index", "proxy", "client-cert", "trusted-host"]) {
    if (setting(name)) throw new Error(`pip is set to ${name}=${setting(name)}, which is left to pip`);
  }
  for (const name of ["https_proxy", "http_proxy", "all_proxy"]) {
    if (env[name] || env[name.toUpperCase()]) throw new Error(`${name.toUpperCase()} is set, which is left to pip`);
  }
  const cert = setting("cert");
  const address = setting("index-url") ?? "https://pypi.org/simple";
  return { index: address.endsWith("/") ? address : `${address}/`, ca: cert ? readFileSync(cert) : undefined };
}

/** The answer to GET after redirects, none of which leads from https to http: `{ status, headers, url, body }`. */
export async function openUrl(address, { headers = {}, ca, patience = PATIENCE } = {}) {
  let url = new URL(address);
  for (let count = 0; count <= MAX_REDIRECTS; count++) {
    const body = await answerOf(url, { headers: { "user-agent": "pspnet", ...headers }, ca, patience });
    const { statusCode: status, headers: found } = body;
    if (!REDIRECTS.has(status) || !found.location) return { status, headers: found, url, body };
    body.destroy();
    const next = new URL(found.location, url);
    if (url.protocol === "https:" && next.protocol !== "https:")
      throw new Error(`${url} leads to ${next}, which is not safe`);
    url = next;
  }
  throw new Error(`${address}: more than ${MAX_REDIRECTS} redirects`);
}

function answerOf(url, { headers, ca, patience }) {
  const get = { "http:": getHttp, "https:": getHttps }[url.protocol];
  if (!get) throw new Error(`expected an address of http or https, found one of ${url.protocol}//`);
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, ca, agent: false }, resolve);
    request.setTimeout(patience, () => request.destroy(new Error(`${url.host} said nothing for ${patience / 1000} s`)));
    request.on("error", reject);
  });
}

/** All of an answer's body. */
export async function bytesOf(body) {
  const chunks = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * The wheel that an index has of a package for this system: `{ url, filename }`. `version` is exact, or ends in `.*`: the newest
 * of those then. Of several Pythons the first will do: what is not Python is the same in all.
 */
export async function findWheel({ name, version }, { index, ca, arch = process.arch }) {
  const isForMachine = platformTest(arch);
  const page = new URL(`${name}/`, index);
  const accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1";
  const { status, headers, url, body } = await openUrl(page, { headers: { accept }, ca });
  const text = String(await bytesOf(body));
  if (status !== 200) throw new Error(`${page}: expected the files of ${name}, found HTTP ${status}`);
  const files = /json/.test(headers["content-type"] ?? "") ? filesOfJson(text) : filesOfHtml(text);
  const wheels = files.flatMap((file) => fitting(file, { name, version, isForMachine }));
  const newest = wheels.sort((a, b) => byVersion(b.version, a.version) || (a.filename < b.filename ? -1 : 1))[0];
  if (!newest) {
    throw new Error(`${page}: expected a wheel ${name}==${version} for ${process.platform} on ${arch}, found none`);
  }
  return { url: new URL(newest.href, url).href, filename: newest.filename };
}

function filesOfJson(text) {
  return JSON.parse(text).files.map(({ filename, url, yanked }) => ({ filename, href: url, yanked }));
}

function filesOfHtml(text) {
  return [...text.matchAll(/<a\s([^>]*)>\s*([^<\s]+)\s*<\/a>/g)].map(([, attributes, filename]) => ({
    filename,
    href: (/href="([^"]*)"/.exec(attributes)?.[1] ?? "").replaceAll("&amp;", "&"),
    yanked: attributes.includes("data-yanked"),
  }));
}

/** The file with its version when it is a wheel that is asked for. */
function fitting({ filename, href, yanked }, { name, version, isForMachine }) {
  const [, found, its, platforms] = /^([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-([^-]+)\.whl$/.exec(filename) ?? [];
  const wanted = version.endsWith(".*") ? its?.startsWith(version.slice(0, -1)) : its === version;
  const normal = (text) => text.replace(/[-_.]+/g, "-").toLowerCase();
  if (yanked || !wanted || normal(found) !== normal(name)) return [];
  return platforms.split(".").some(isForMachine) ? [{ filename, href, version: its }] : [];
}

/** Tells a wheel's platform tags that this system runs on a processor. What is made for Linux needs glibc. */
function platformTest(arch) {
  if (process.platform === "darwin") return (tag) => tag.startsWith("macosx_") && tag.endsWith(`_${arch}`);
  const machine = { x64: "x86_64", arm64: "aarch64" }[arch];
  const glibc = process.platform === "linux" && process.report.getReport().header.glibcVersionRuntime !== undefined;
  return (tag) => glibc && new RegExp(`^manylinux.*_${machine}$`).test(tag);
}

function byVersion(a, b) {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference) return difference;
  }
  return 0;
}
