/** What is used of WebGPU here. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

/** Why WebGPU cannot be tried; null when it can. */
export async function webgpuProblem(): Promise<string | null> {
  const { gpu } = navigator as { readonly gpu?: Gpu };
  if (!gpu) return "this browser has no WebGPU, or the page is not served over https";
  try {
    return (await gpu.requestAdapter()) ? null : "WebGPU finds no graphics processor";
  } catch (error) {
    return `WebGPU does not start: ${(error as Error).message}`;
  }
}
