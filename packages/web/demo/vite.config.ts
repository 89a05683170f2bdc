import { defineConfig, type Plugin } from "vite";

/** Makes the page cross-origin isolated: WebAssembly may then use several threads. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** WebGPU's part of onnxruntime-web weighs more than all the rest. What `pspnet serve` shows goes without: it has the server. */
const withoutWebgpu = (): Plugin => ({
  name: "without-webgpu",
  enforce: "pre",
  load: (id) => (id.endsWith("/webgpuWorker.js") ? 'throw new Error("this page was built without WebGPU")' : null),
});

/** `--mode served`: the page of `pspnet serve`, in the package of which it is. */
export default defineConfig(({ mode }) => ({
  // Wherever the files are put.
  base: "./",
  server: { headers },
  preview: { headers },
  worker: { format: "es", plugins: () => (mode === "served" ? [withoutWebgpu()] : []) },
  build: {
    target: "es2022",
    outDir: mode === "served" ? "../../pspnet/page" : "dist",
    emptyOutDir: true,
    // Files that are asked for by their address; a policy may forbid addresses of data.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
}));
