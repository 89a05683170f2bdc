"""Writes small checkpoints in every format that @pspnet/checkpoints reads, by the libraries that own the formats.

python make_checkpoints.py --out packages/checkpoints/test/fixtures
Needs torch, numpy and h5py. `expected.json` says what each file holds: {file: {tensor: [dtype, shape, values]}}.
"""
import argparse
import collections
import json
import os
import pickle
import zipfile

import numpy as np
import torch

EXPECTED = {}


def values(*shape, seed=0):
    """Multiples of 1/8 that halves hold exactly."""
    count = int(np.prod(shape))
    return (((np.arange(count) * 7 + seed) % 33 - 16) / 8).astype(np.float32).reshape(shape)


def expect(file, tensors):
    EXPECTED[file] = {
        name: [dtype, list(array.shape), np.asarray(array, dtype=np.float64).ravel().tolist()]
        for name, (dtype, array) in tensors.items()
    }


def torch_state():
    """A state_dict with every element type, views, shared storages, and a buffer that is a scalar."""
    base = torch.from_numpy(values(6, 4, seed=3))
    state = collections.OrderedDict()
    for dtype in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"):
        state[f"module.{dtype}"] = torch.from_numpy(values(2, 3, seed=len(dtype))).to(getattr(torch, dtype))
    state["module.transposed"] = base.t()
    state["module.part"] = base[2:, 1:3]
    state["module.whole"] = base
    state["module.parameter"] = torch.nn.Parameter(torch.from_numpy(values(3, seed=9)))
    state["module.steps"] = torch.tensor(7)
    state["module.empty"] = torch.zeros(0, 3)
    return state


def expected_torch(state, skip="", types={}):
    return {
        name: (types.get(name, str(tensor.dtype)[6:]), tensor.detach().to(torch.float64).numpy())
        for name, tensor in state.items()
    }


def write_torch(out):
    state = torch_state()
    network = torch.nn.Linear(4, 2)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.9)
    network(torch.ones(1, 4)).sum().backward()
    optimiser.step()
    whole = {
        "epoch": 3,
        "arch": "pspnet",
        "best": np.float64(0.25),
        "args": argparse.Namespace(lr=0.01, classes=["wall", "sky"]),
        "state_dict": state,
        "optimizer": optimiser.state_dict(),
    }
    for name, legacy in (("zip.pth", False), ("legacy.pth", True)):
        torch.save(whole, os.path.join(out, name), _use_new_zipfile_serialization=not legacy)
        expect(name, expected_torch(state))
    torch.save(state, os.path.join(out, "plain.pth"))
    expect("plain.pth", expected_torch(state))
    plain = os.path.join(out, "plain.pth")
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(
        os.path.join(out, "deflated.pth"), "w", zipfile.ZIP_DEFLATED
    ) as target:
        for entry in source.namelist():
            target.writestr(entry, source.read(entry))
    expect("deflated.pth", expected_torch(state))
    big_endian(plain, os.path.join(out, "bigEndian.pth"), state)


def big_endian(plain, path, state):
    """What a machine of the other byte order writes: each storage turned round, by its element's size."""
    sizes = {}
    for tensor in state.values():
        sizes.setdefault(tensor.untyped_storage().data_ptr(), tensor.element_size())
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.namelist():
            data = source.read(entry)
            key = entry.split("/data/")
            if entry.endswith("byteorder"):
                data = b"big"
            elif len(key) == 2:
                size = list(sizes.values())[int(key[1])]
                data = np.frombuffer(data, dtype=f"u{size}").byteswap().tobytes()
            with target.open(zipfile.ZipInfo(entry), "w", force_zip64=True) as file:
                file.write(data)
    expect("bigEndian.pth", expected_torch(state))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)
    write_torch(out)
    with open(os.path.join(out, "expected.json"), "w") as file:
        json.dump(EXPECTED, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
