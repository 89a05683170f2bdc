import { markAsUntransferable } from "node:worker_threads";
import { type Backend, type DType, PspnetError, type Shape } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import { Tensor } from "./tensor.js";

/** Arrays that become tensors. A Uint16Array holds the bits of bfloat16 or float16. */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array;

function naturalType(data: TensorData | readonly number[]): DType {
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array || data instanceof Int32Array) return "int64";
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return "uint8";
  if (data instanceof Uint16Array) {
    throw new PspnetError("usage", "tensor() data: a Uint16Array needs dtype, bfloat16 or float16");
  }
  return "float32";
}

/**
 * A tensor with a copy of `data`, row-major. The element type is the array's own (Int32Array: int64; numbers: float32) unless `dtype`
 * asks for another.
 */
export function tensor(
  data: TensorData | readonly number[],
  shape: Shape,
  options: { readonly dtype?: DType; readonly device?: string } = {},
): Tensor {
  const dtype = options.dtype ?? naturalType(data);
  const array = Array.isArray(data) ? (dtype === "int64" ? Float64Array : Float32Array).from(data) : data;
  return new Tensor(native().fromData(array, shape, dtype, options.device ?? "cpu") as Handle);
}

/**
 * A tensor on the memory of `data`, without a copy: it sees later writes to the array, and keeps it alive. Works on shared memory.
 * Interleaved images become a channels-last tensor by `fromBuffer(data, [n, h, w, c]).permute(0, 3, 1, 2)`.
 *
 * The memory must stay where it is as long as the tensor or a view of it lives. So a buffer that is not shared can no longer be
 * transferred to another thread from here on (`postMessage` copies it or refuses, as Node's version has it), and one that can be resized
 * is refused. `ArrayBuffer.prototype.transfer` cannot be hindered: do not call it. What is to go its own way is copied by {@link tensor}.
 */
export function fromBuffer(data: Exclude<TensorData, Int32Array | Uint16Array>, shape: Shape): Tensor {
  const { buffer } = data;
  if (buffer instanceof ArrayBuffer) {
    // ES2024, which Node 20 has and TypeScript's ES2023 does not.
    if ((buffer as { readonly resizable?: boolean }).resizable) {
      throw new PspnetError(
        "usage",
        "fromBuffer() data: expected memory that stays as large as it is, found a resizable ArrayBuffer; copy it with tensor()",
      );
    }
    markAsUntransferable(buffer);
  }
  return viewOf(data, shape);
}

/** As {@link fromBuffer}, for a tensor that ends before any other code of JavaScript runs. */
export function viewOf(data: Parameters<typeof fromBuffer>[0], shape: Shape): Tensor {
  return new Tensor(native().fromBuffer(data, shape) as Handle);
}

/**
 * Where a network's parameters get their memory. Weights of four dimensions lie channels-last, which convolutions on processors want,
 * unless `channelsLast` is false.
 */
export function backend(options: { readonly device?: string; readonly channelsLast?: boolean } = {}): Backend<Tensor> {
  const { device = "cpu", channelsLast = true } = options;
  return {
    tensor(data, shape) {
      const made = tensor(data, shape, { device });
      if (!channelsLast || shape.length !== 4) return made;
      const ordered = made.contiguous("channelsLast");
      made.dispose();
      return ordered;
    },
  };
}
