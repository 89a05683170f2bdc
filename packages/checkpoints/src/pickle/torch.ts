// What torch.save writes into its pickles: https://github.com/pytorch/pytorch/blob/main/torch/_utils.py
import { ELEMENT_SIZE } from "../elements.js";
import { PspnetError } from "../error.js";
import { tensorOf } from "../storedArray.js";
import type { StateTensor, StoredDType } from "../tensor.js";
import { TORCH_STORAGES } from "../torchStorages.js";
import { NUMPY } from "./numpy.js";
import { PYTHON } from "./python.js";
import { type Globals, onlyNamed, type PickledGlobal, type PickledTensor, textOf } from "./values.js";

/** Elements that tensors share. */
export interface TorchStorage {
  readonly dtype: StoredDType;
  readonly byteLength: number;
  readonly bigEndian: boolean;
  readonly bytes: () => Uint8Array;
}

const STORAGES: Readonly<Record<string, StoredDType>> = {
  ...Object.fromEntries(Object.entries(TORCH_STORAGES).map(([dtype, name]) => [`torch.${name}`, dtype as StoredDType])),
  "torch.storage.UntypedStorage": "uint8",
};

const DTYPES: Readonly<Record<string, StoredDType>> = Object.fromEntries(
  [
    ...(Object.keys(ELEMENT_SIZE) as StoredDType[]).map((name) => [name, name] as const),
    ["double", "float64"],
    ["float", "float32"],
    ["half", "float16"],
    ["long", "int64"],
    ["int", "int32"],
    ["short", "int16"] as const,
  ].map(([name, dtype]) => [`torch.${name}`, dtype as StoredDType]),
);

/** A tensor: its part of a storage, checked when it is asked for, as only then its name is known. */
class TorchTensor implements PickledTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly layout: { readonly offset: unknown; readonly shape: unknown; readonly strides: unknown },
    readonly dtype: StoredDType,
  ) {}

  tensor(name: string): StateTensor {
    const { offset, shape, strides } = this.layout;
    if (!isNumbers(shape) || !isNumbers(strides) || typeof offset !== "number") {
      throw new PspnetError("format", `${name}: expected offset, sizes and strides of numbers`);
    }
    return tensorOf({ ...this.storage, name, dtype: this.dtype, shape, strides, offset });
  }

  /** Attributes that were hung on a tensor. */
  build(): void {}
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => typeof n === "number");
}

function rebuildTensor([storage, offset, shape, strides]: readonly unknown[], dtype?: StoredDType): TorchTensor {
  if (typeof storage !== "object" || storage === null || !("bigEndian" in storage)) {
    throw new PspnetError("format", "expected a storage");
  }
  const held = storage as TorchStorage;
  return new TorchTensor(held, { offset, shape, strides }, dtype ?? held.dtype);
}

/** `_rebuild_tensor_v3`: of types younger than the typed storages. */
function rebuildTensorV3(args: readonly unknown[]): TorchTensor {
  const name = (args[6] as PickledGlobal | undefined)?.name ?? "no type";
  if (!Object.hasOwn(DTYPES, name))
    throw new PspnetError("format", `expected elements that weights have, found ${name}`);
  return rebuildTensor(args, DTYPES[name]);
}

function rebuildParameter([tensor]: readonly unknown[]): TorchTensor {
  if (!(tensor instanceof TorchTensor)) throw new PspnetError("format", "expected a tensor");
  return tensor;
}

/** `_rebuild_from_type_v2(function, type, args, state)`: a tensor of a subclass, or with attributes. */
function rebuildFromType([make, , args]: readonly unknown[], spend: (size: number) => void): unknown {
  const { name = "", call } = (make ?? {}) as Partial<PickledGlobal>;
  if (!call || !Object.hasOwn(REBUILD, name) || !Array.isArray(args) || name.endsWith("_from_type_v2")) {
    throw new PspnetError("format", "expected a function that makes a tensor, and its arguments");
  }
  return call(args, spend);
}

const REBUILD: Globals = {
  "torch._utils._rebuild_tensor": (args) => rebuildTensor(args),
  "torch._utils._rebuild_tensor_v2": (args) => rebuildTensor(args),
  "torch._utils._rebuild_tensor_v3": rebuildTensorV3,
  "torch._utils._rebuild_parameter": rebuildParameter,
  "torch._utils._rebuild_parameter_with_state": rebuildParameter,
  "torch._tensor._rebuild_from_type_v2": rebuildFromType,
};

/** What a pickle of torch.save may name, beside NumPy's and Python's own. */
export const TORCH: Globals = {
  ...PYTHON,
  ...NUMPY,
  ...REBUILD,
  ...Object.fromEntries([...Object.keys(STORAGES), ...Object.keys(DTYPES)].map((name) => [name, onlyNamed])),
  "torch.Size": ([sizes]) => sizes,
  "torch.device": ([type]) => type,
  "torch.nn.parameter.Parameter": rebuildParameter,
  "torch.Tensor": onlyNamed,
  "torch._tensor.Tensor": onlyNamed,
  "torch.serialization._get_layout": ([name]) => name,
};

/** What a persistent id says: `("storage", type, key, location, number of elements)`. */
export function storageReference(id: unknown): {
  readonly dtype: StoredDType;
  readonly key: string;
  readonly count: number;
  /** Of protocol 1.5 and before: the storage that this is a part of, and where it begins. */
  readonly view: unknown;
} {
  if (!Array.isArray(id) || textOf(id[0]) !== "storage")
    throw new PspnetError("format", "expected a reference to a storage");
  const type = (id[1] as PickledGlobal | null)?.name ?? "nothing";
  if (!Object.hasOwn(STORAGES, type)) {
    throw new PspnetError("format", `expected a storage of elements that weights have, found ${type}`);
  }
  const key = textOf(id[2]);
  const count = id[4];
  if (key === undefined || !Number.isSafeInteger(count) || count < 0) {
    throw new PspnetError("format", "expected a storage's key and number of elements");
  }
  return { dtype: STORAGES[type], key, count, view: id[5] ?? null };
}
