import type { UserConfig } from "vite";

/** Makes the page cross-origin isolated: WebAssembly may then use several threads. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default { server: { headers }, preview: { headers } } satisfies UserConfig;
