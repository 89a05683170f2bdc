"""Records checkpoints with the names of Caffe's layers, and their logits: packages/pspnet/test/foreign.test.ts.

python make_caffe_golden.py --out packages/pspnet/test/golden/families
Needs torch, numpy, h5py, keras 3, tensorflow, safetensors; seconds.

`.caffemodel` is written from the field numbers of caffe.proto, `.h5` by h5py in Keras 2's layout, `.weights.h5` by Keras 3, `.npy` by
NumPy, the TensorFlow checkpoint by TensorFlow's own Saver; the arrays of Caffe's and Keras's stand in `.safetensors`, too. The test reads
`.caffemodel`, all three of Keras's, and `.ckpt.index` with its data.
"""

import argparse
import io
import os
import struct
import tempfile

import h5py
import numpy as np

from safetensors.numpy import save

from caffe_network import MEAN, STD, blobs, logits
from narrow import photo, planes, record
from protobuf import field, varint

CLASSES, CITYSCAPES, WIDTH, SIDE, SAME_SIDE = 5, 19, 1, 89, 96


def stored(found):
    """Blobs as a `.caffemodel` has them: the vectors of BN are [1, channels, 1, 1]."""
    return {
        name: [array.reshape(1, -1, 1, 1) for array in arrays] if name.endswith("/bn") else arrays
        for name, arrays in found.items()
    }


def caffemodel(found):
    """NetParameter: name 1, layer 100; LayerParameter: name 1, type 2, blobs 7; BlobProto: data 5, shape 7."""

    def blob(array):
        dims = b"".join(varint(size) for size in array.shape)
        return field(7, field(1, dims)) + field(5, struct.pack(f"<{array.size}f", *array.ravel()))

    def layer(name, kind, arrays):
        return field(
            100, field(1, name.encode()) + field(2, kind.encode()) + b"".join(field(7, blob(a)) for a in arrays)
        )

    content = field(1, b"pspnet") + layer("data", "MemoryData", [])
    for name, arrays in stored(found).items():
        norm = name.endswith("/bn")
        content += layer(name, "BN" if norm else "Convolution", arrays)
        if norm:
            content += layer(name.replace("/bn", "/relu"), "ReLU", [])
    return content


def ports(found):
    """{layer: {parameter: array}} as the ports have them: `/bn` is `_bn`, kernels [height, width, input, output]."""
    renamed = {}
    for name, arrays in found.items():
        if name.endswith("/bn"):
            renamed[name.replace("/bn", "_bn")] = dict(zip(("scale", "offset", "mean", "variance"), arrays))
        else:
            kernel = arrays[0].transpose(2, 3, 1, 0)
            renamed[name] = dict(zip(("weights", "biases"), (kernel, *arrays[1:])))
    return renamed


def keras_paths(layer, arrays):
    names = dict(
        weights="kernel", biases="bias", scale="gamma", offset="beta", mean="moving_mean", variance="moving_variance"
    )
    return {f"{layer}/{names[parameter]}:0": array for parameter, array in arrays.items()}


def keras(layers):
    """`Model.save_weights` of Keras 2: a group a layer, in it a group of the same name with the arrays."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name in layers])
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.1.2"
        for name, arrays in layers.items():
            group = file.create_group(name)
            paths = keras_paths(name, arrays)
            group.attrs["weight_names"] = np.array([path.encode() for path in paths])
            for path, array in paths.items():
                group.create_dataset(path, data=array)
    return buffer.getvalue()


def keras3(layers):
    """`Model.save_weights` of Keras 3 of a model of these layers; what they are put together to is not written."""
    import keras

    inputs, outputs = [], []
    for name, arrays in layers.items():
        if name.endswith("_bn"):
            layer = keras.layers.BatchNormalization(name=name)
            order = [arrays[parameter] for parameter in ("scale", "offset", "mean", "variance")]
        else:
            kernel = arrays["weights"]
            layer = keras.layers.Conv2D(kernel.shape[3], kernel.shape[:2], use_bias="biases" in arrays, name=name)
            order = list(arrays.values())
        inputs.append(keras.Input((9, 9, order[0].shape[-1 if name.endswith("_bn") else 2])))
        outputs.append(layer(inputs[-1]))
        layer.set_weights(order)
    outputs.append(keras.layers.Dropout(0.1)(inputs[-1]))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.weights.h5")
        keras.Model(inputs, outputs).save_weights(path)
        with open(path, "rb") as file:
            return file.read()


def npy(layers):
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(layers, dtype=object), allow_pickle=True)
    return buffer.getvalue()


def bundle(variables):
    """The files of a checkpoint with the variables, and what an optimiser and a counter of steps leave beside them."""
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default(), tf.Session() as session, tempfile.TemporaryDirectory() as folder:
        for name, array in variables.items():
            tf.get_variable(name, initializer=array)
        tf.get_variable("conv6/weights/Momentum", initializer=np.zeros_like(variables["conv6/weights"]))
        tf.get_variable("global_step", initializer=np.int64(60000))
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(
            session, os.path.join(folder, "model.ckpt"), global_step=60000, write_meta_graph=False
        )
        endings = (".index", ".data-00000-of-00001")
        return {f".ckpt{ending}": open(path + ending, "rb").read() for ending in endings}


def variables(layers):
    names = dict(scale="gamma", offset="beta", mean="moving_mean", variance="moving_variance")
    return {
        f"{layer}/{names.get(parameter, parameter)}": array
        for layer, arrays in layers.items()
        for parameter, array in arrays.items()
    }


def plain(arrays):
    """The same arrays by the names that they have in the other format."""
    return {".safetensors": save({name: np.ascontiguousarray(array) for name, array in arrays.items()})}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out

    def case(name, files, found, side=SIDE, **how):
        image = planes(photo(side, side), MEAN, STD, bgr=True)
        record(out, name, logits(found, image, **how), files)

    def caffe(name, found, **how):
        named = {f"{layer}.{i}": array for layer, arrays in stored(found).items() for i, array in enumerate(arrays)}
        case(name, {".caffemodel": caffemodel(found), **plain(named)}, found, **how)

    def tensorflow(name, found, **how):
        named = variables(ports(found))
        case(name, bundle(named), found, **how)

    caffe("caffe-r50", blobs(50, CLASSES, WIDTH, seed=1, aux=True), layers=50, stride_in="1x1")
    caffe("caffe-r101", blobs(101, CLASSES, WIDTH, seed=2), layers=101, stride_in="3x3")
    found = blobs(50, CLASSES, WIDTH, seed=3)
    layers = ports(found)
    named = {
        f"{layer}/{path}": array
        for layer, arrays in layers.items()
        for path, array in keras_paths(layer, arrays).items()
    }
    files = {".h5": keras(layers), ".weights.h5": keras3(layers), ".npy": npy(layers), **plain(named)}
    case("keras", files, found, layers=50, stride_in="1x1")
    tensorflow("hellochick", blobs(50, CLASSES, WIDTH, seed=4), layers=50, stride_in="1x1")
    found = blobs(50, CITYSCAPES, WIDTH, seed=12)
    files = plain(variables(ports(found)))
    case("hellochick-cityscapes", files, found, side=SAME_SIDE, layers=50, stride_in="1x1", same=True)
    found = blobs(50, CLASSES, WIDTH, seed=5)
    tensorflow("jiye", found, side=SAME_SIDE, layers=50, stride_in="1x1", eps=1e-3, same=True)


main()
