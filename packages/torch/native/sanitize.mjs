// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer, runs the tests of this package, of plans and of `load` with it,
// and builds it as it was.
// `npm run sanitize`; arguments go to vitest. For g++ on Linux. Node's own modules only.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const log = (line) => process.stderr.write(`${line}\n`);

/** The sanitizers' libraries must be in the process before libtorch and Node's own symbols. */
function runtimeOf(name) {
  const { stdout } = spawnSync(process.env.CXX ?? "g++", [`-print-file-name=${name}`], { encoding: "utf8" });
  const file = stdout?.trim() ?? "";
  if (!file.startsWith("/")) throw new Error(`${name}: expected it beside g++, found none (Debian: apt install g++)`);
  return file;
}

let status = 1;
try {
  const preload = [runtimeOf("libasan.so"), runtimeOf("libubsan.so")].join(":");
  await build({ log, sanitize: true });
  const usual = [
    "--project",
    "native*",
    "packages/torch",
    "packages/pspnet/test/plan.test.ts",
    "packages/pspnet/test/load.test.ts",
  ];
  const tests = process.argv.length > 2 ? process.argv.slice(2) : usual;
  const environment = {
    LD_PRELOAD: preload,
    // V8 never frees what lives as long as the process.
    ASAN_OPTIONS: "detect_leaks=0:abort_on_error=0:exitcode=99",
    UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1",
  };
  ({ status } = spawnSync("npx", ["vitest", "run", ...tests], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  }));
} finally {
  await build({ log });
}
process.exitCode = status ?? 1;
