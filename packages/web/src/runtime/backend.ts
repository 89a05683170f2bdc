export const BACKENDS = ["webgpu", "wasm"] as const;

export type BackendName = (typeof BACKENDS)[number];

/** Where onnxruntime-web's own files lie, when the bundler does not put them beside the page. */
export interface WasmPaths {
  readonly mjs: string | URL;
  readonly wasm: string | URL;
}

export interface BackendOptions {
  /** "auto": WebGPU where it computes what WebAssembly does, else WebAssembly. */
  readonly backend: "auto" | BackendName;
  /** Of WebAssembly. 0: one per core, 8 at most. A page that is not cross-origin isolated has one. */
  readonly threads: number;
  /** Files of the backend that is asked for by name. Left out, those that the bundler found. */
  readonly wasmPaths?: WasmPaths;
}

/** What a network runs on. */
export interface Backend {
  readonly name: BackendName;
  /** Of WebAssembly. */
  readonly threads: number;
  /** Why not on WebGPU; null where it does, or was not asked to. */
  readonly reason: string | null;
}
