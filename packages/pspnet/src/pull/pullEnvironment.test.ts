import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isOffline, proxyFor, pullFolder } from "./pullEnvironment.js";

test("weights are kept in PSPNET_HOME, else where caches are", () => {
  expect(pullFolder({ PSPNET_HOME: "/a", XDG_CACHE_HOME: "/b" })).toBe(resolve("/a"));
  expect(pullFolder({ XDG_CACHE_HOME: "/b" })).toBe(resolve("/b/pspnet"));
  expect(pullFolder({ PSPNET_HOME: "", XDG_CACHE_HOME: "" })).toBe(join(homedir(), ".cache", "pspnet"));
});

test.each([
  [undefined, false],
  ["", false],
  ["0", false],
  ["false", false],
  ["1", true],
  ["yes", true],
])("PSPNET_OFFLINE %j", (value, expected) => {
  expect(isOffline({ PSPNET_OFFLINE: value })).toBe(expected);
});

test.each([
  ["https://a.test/x", { https_proxy: "http://p:1" }, "http://p:1/"],
  ["https://a.test/x", { HTTPS_PROXY: "p:1" }, "http://p:1/"],
  ["https://a.test/x", { HTTP_PROXY: "http://p:1" }, null],
  ["http://a.test/x", { HTTP_PROXY: "http://p:1" }, "http://p:1/"],
  ["http://a.test/x", { ALL_PROXY: "https://u:w@p:1" }, "https://u:w@p:1/"],
  ["http://a.test/x", { http_proxy: "http://p:1", no_proxy: "b.test, a.test" }, null],
  ["http://c.a.test/x", { http_proxy: "http://p:1", NO_PROXY: ".A.test" }, null],
  ["http://c.a.test/x", { http_proxy: "http://p:1", NO_PROXY: "*.a.test" }, null],
  ["http://c.a.test/x", { http_proxy: "http://p:1", NO_PROXY: "*" }, null],
  ["http://ca.test/x", { http_proxy: "http://p:1", NO_PROXY: "a.test" }, "http://p:1/"],
  ["http://a.test/x", { http_proxy: "http://p:1", NO_PROXY: "a.test:8080" }, "http://p:1/"],
  ["http://a.test:8080/x", { http_proxy: "http://p:1", NO_PROXY: "a.test:8080" }, null],
])("%s with %j goes by %s", (url, env, expected) => {
  expect(proxyFor(new URL(url), env)?.href ?? null).toBe(expected);
});

test("a proxy of another kind is refused, its password untold", () => {
  const url = new URL("https://a.test");
  expect(() => proxyFor(url, { HTTPS_PROXY: "socks5://me:secret@p:1" })).toThrow(
    "HTTPS_PROXY: expected the address of an http or https proxy, found one of socks5://",
  );
});
