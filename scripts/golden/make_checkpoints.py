"""Writes small checkpoints in every format that @pspnet/checkpoints reads, by the libraries that own the formats.

python make_checkpoints.py --out packages/checkpoints/test/fixtures
Needs torch, numpy, h5py and keras 3. `expected.json` says what each file holds: {file: {tensor: [dtype, shape, values]}}.
"""
import argparse
import collections
import os
import pickle
import sys
import types
import zipfile

import h5py
import numpy as np
import torch

from expected import expect, values, write_expected
from protobuf import field, varint


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
    write_mmengine(out)


def write_mmengine(out):
    """What mmengine's runner saves: logs of a class of its own stand beside the weights, and name methods of it."""
    names = ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer")
    sys.modules.update({name: types.ModuleType(name) for name in names})
    module = sys.modules[names[-1]]

    class HistoryBuffer:
        def mean(self):
            return self._log_history.mean()

    for own, name in ((HistoryBuffer, "HistoryBuffer"), (HistoryBuffer.mean, "HistoryBuffer.mean")):
        own.__module__, own.__qualname__ = module.__name__, name
    module.HistoryBuffer = HistoryBuffer
    loss = HistoryBuffer()
    loss._log_history, loss._statistics_methods = np.array([2.5, 1.25]), {"mean": HistoryBuffer.mean}
    state = {"decode_head.conv_seg.bias": torch.from_numpy(values(5))}
    whole = {
        "meta": {"iter": 2, "cfg": "model = dict()"},
        "state_dict": state,
        "message_hub": {"log_scalars": {"train/loss": loss}},
    }
    torch.save(whole, os.path.join(out, "mmengine.pth"))
    expect("mmengine.pth", expected_torch(state))


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


def arrays():
    """Arrays of the element types that NumPy has, one of them stored column by column."""
    types = ("float64", "float32", "float16")
    found = {f"block.{dtype}": values(2, 3, seed=len(dtype)).astype(dtype) for dtype in types}
    found["block.columns"] = np.asfortranarray(values(4, 3, seed=1))
    found["block.big_endian"] = values(5, seed=2).astype(">f4")
    return found


def expected_arrays(found):
    return {name: (array.dtype.newbyteorder("=").name, array) for name, array in found.items()}


def in_pieces(state, largest):
    """What Paddle makes of arrays of more elements than a pickle of protocol 2 holds: `_unpack_saved_dict`."""
    cut, pieces = dict(state), {}
    for name, array in state.items():
        if array.size <= largest:
            continue
        parts = {f"{name}@@.{i}": array.ravel()[i * largest :][:largest] for i in range(-(-array.size // largest))}
        del cut[name]
        cut.update(parts)
        pieces[name] = {"OriginShape": array.shape, "slices": list(parts)}
    return {**cut, "UnpackBigParamInfor@@": pieces}


def write_pickles(out):
    """What paddle.save makes of a state_dict, in both protocols that it has used, and NumPy of a dictionary."""
    found = arrays()
    for file, protocol in (("protocol2.pdparams", 2), ("protocol4.pdparams", 4)):
        with open(os.path.join(out, file), "wb") as target:
            pickle.dump(found, target, protocol=protocol)
        expect(file, expected_arrays(found))
    whole = {"conv.weight": values(4, 3, seed=1), "bn.bias": values(5, seed=2)}
    with open(os.path.join(out, "pieces.pdparams"), "wb") as target:
        pickle.dump(in_pieces(whole, largest=5), target, protocol=2)
    expect("pieces.pdparams", expected_arrays(whole))
    for file, save in (("arrays.npz", np.savez), ("compressed.npz", np.savez_compressed)):
        save(os.path.join(out, file), **{name.replace(".", "/"): array for name, array in found.items()})
        expect(file, {name.replace(".", "/"): kind for name, kind in expected_arrays(found).items()})
    layers = {"conv": {"weights": values(3, 3, 2, 4), "biases": values(4, seed=5)}}
    np.save(os.path.join(out, "dictionary.npy"), np.asarray(layers, dtype=object), allow_pickle=True)
    expect("dictionary.npy", {f"conv.{name}": ("float32", array) for name, array in layers["conv"].items()})


def write_caffemodels(out):
    """By the field numbers of caffe.proto: layers of today (100), of floats and of doubles, and of version 1 (2)."""
    weight, bias = values(4, 2, 3, 3), values(4, seed=3)
    floats = field(7, field(1, b"".join(map(varint, weight.shape)))) + field(5, weight.tobytes())
    doubles = field(7, field(1, 4)) + field(8, bias.astype(np.float64).tobytes())
    layer = field(1, b"conv") + field(2, b"Convolution") + field(7, floats) + field(7, doubles)
    with open(os.path.join(out, "layers.caffemodel"), "wb") as file:
        file.write(field(1, b"net") + field(100, field(1, b"data")) + field(100, layer))
    expect("layers.caffemodel", {"conv.0": ("float32", weight), "conv.1": ("float64", bias)})
    sizes = b"".join(field(number, size) for number, size in enumerate((1, 1, 1, 4), 1))
    unpacked = b"".join(varint(5 * 8 + 5) + value.tobytes() for value in bias)
    with open(os.path.join(out, "version1.caffemodel"), "wb") as file:
        file.write(field(1, b"net") + field(2, field(4, b"conv") + field(5, 4) + field(6, sizes + unpacked)))
    expect("version1.caffemodel", {"conv.0": ("float32", bias.reshape(1, 1, 1, 4))})


def write_onnx(out):
    """By the field numbers of onnx.proto: an initialiser of raw data, one of packed floats, one of whole numbers."""
    weight, bias = values(4, 2, 3, 3), values(4, seed=3)
    raw = b"".join(field(1, size) for size in weight.shape) + field(2, 10) + field(8, b"cls.0.weight")
    raw += field(9, weight.astype(np.float16).tobytes())
    floats = field(1, varint(4)) + field(2, 1) + field(4, bias.tobytes()) + field(8, b"cls.0.bias")
    whole = field(1, varint(2)) + field(2, 7) + field(7, varint(3) + varint(300)) + field(8, b"/Constant_output_0")
    graph = field(2, b"main") + b"".join(field(5, tensor) for tensor in (raw, floats, whole))
    with open(os.path.join(out, "initialisers.onnx"), "wb") as file:
        file.write(field(1, 8) + field(2, b"pytorch") + field(7, graph))
    weights = {"cls.0.weight": ("float16", weight), "cls.0.bias": ("float32", bias)}
    expect("initialisers.onnx", {**weights, "/Constant_output_0": ("int64", np.array([3, 300]))})


def write_hdf5(out):
    """By h5py: the structures of the oldest and of the newest files, every layout, index of chunks, filter and type."""
    kinds = {"f8": "float64", "f4": "float32", "f2": "float16", "i8": "int64", "i2": "int16", "u1": "uint8", "i1": "int8"}
    wide = values(7, 5, 3, seed=4)
    chunks = dict(chunks=(3, 2, 3))
    for file, libver, user in (("earliest.h5", "earliest", 0), ("latest.h5", "latest", 1024)):
        found = {}
        with h5py.File(os.path.join(out, file), "w", libver=libver, userblock_size=user) as target:
            target.attrs["keras_version"], target.attrs["backend"] = "2.1.2", np.bytes_(b"tensorflow")
            target.attrs["layer_names"] = np.array([b"conv", b"many"])

            def put(name, array, dtype="float32", **how):
                target.create_dataset(name, data=array, **how)
                found[name] = (dtype, array)

            for code, dtype in kinds.items():
                for order in "<>" if code[1] != "1" else "<":
                    sign = np.abs if code[0] == "u" else lambda array: array
                    put(f"types/{order}{code}", sign(values(2, 3, seed=len(dtype))).astype(order + code), dtype)
            put("scalar", np.float32(0.5))
            put("empty", np.zeros((0, 3), np.float32))
            for i in range(12 if libver == "earliest" else 30):
                put(f"many/group_{i:02}/weight:0", values(2, seed=i))
            put("chunked/plain", wide, **chunks)
            put("chunked/gzip", wide, compression="gzip", **chunks)
            put("chunked/all", wide.astype(">f4"), compression="gzip", shuffle=True, fletcher32=True, **chunks)
            put("chunked/whole", wide, chunks=wide.shape)
            put("chunked/whole_gzip", wide, chunks=wide.shape, compression="gzip")
            put("chunked/grows", wide, maxshape=(None, 5, 3), **chunks)
            put("chunked/grows_gzip", wide, maxshape=(None, 5, 3), compression="gzip", **chunks)
            put("chunked/grows_both", wide, maxshape=(None, None, 3), **chunks)
            put("chunked/grows_both_gzip", wide, maxshape=(None, None, 3), compression="gzip", **chunks)
            long = values(600, seed=2)
            put("chunked/long", long, maxshape=(None,), chunks=(3,))
            put("chunked/long_both", long.reshape(300, 2), maxshape=(None, None), chunks=(3, 1))
            compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            compact.set_layout(h5py.h5d.COMPACT)
            array = values(6, seed=1)
            space = h5py.h5s.create_simple(array.shape)
            h5py.h5d.create(target.id, b"compact", h5py.h5t.IEEE_F32LE, space, compact).write(
                h5py.h5s.ALL, h5py.h5s.ALL, array
            )
            found["compact"] = ("float32", array)
            early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            early.set_layout(h5py.h5d.CHUNKED)
            early.set_chunk((2,))
            early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            h5py.h5d.create(target.id, b"early", h5py.h5t.IEEE_F32LE, space, early).write(
                h5py.h5s.ALL, h5py.h5s.ALL, array
            )
            found["early"] = ("float32", array)
        expect(file, found)


def write_keras(out):
    """By Keras 3: weights alone, a model in its own archive, and one as HDF5, each beside what an optimiser has."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    inputs = keras.Input((9, 9, 3))
    features = keras.layers.Conv2D(2, 3, use_bias=False, name="conv1")(inputs)
    features = keras.layers.BatchNormalization(name="conv1_bn")(features)
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1, name="conv6")(features))
    model.compile("sgd", "mse")
    arrays = {
        "conv1": [values(3, 3, 3, 2)],
        "conv1_bn": [values(2, seed=seed) for seed in range(4)],
        "conv6": [values(1, 1, 2, 4, seed=5), values(4, seed=6)],
    }
    for layer, found in arrays.items():
        model.get_layer(layer).set_weights(found)
    by_number = {f"layers/{layer}/vars/{i}": a for layer, found in arrays.items() for i, a in enumerate(found)}
    by_name = {
        f"model_weights/{layer}/{weight.path}": array
        for layer, found in arrays.items()
        for weight, array in zip(model.get_layer(layer).weights, found)
    }
    model.save_weights(os.path.join(out, "keras3.weights.h5"))
    model.save(os.path.join(out, "keras3.keras"))
    model.save(os.path.join(out, "keras3.h5"))
    for file, found in (("keras3.weights.h5", by_number), ("keras3.keras", by_number), ("keras3.h5", by_name)):
        expect(file, {name: ("float32", array) for name, array in found.items()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)
    write_torch(out)
    write_pickles(out)
    write_caffemodels(out)
    write_onnx(out)
    write_hdf5(out)
    write_keras(out)
    write_expected(os.path.join(out, "expected.json"))


if __name__ == "__main__":
    main()
