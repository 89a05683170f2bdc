"""Writes small checkpoints of TensorFlow's: packages/checkpoints/test/readCheckpoint.test.ts.

python make_tensorflow_checkpoints.py --out packages/checkpoints/test/fixtures
Needs tensorflow and numpy. `expectedTensorflow.json` says what each holds, as `expected.json` of make_checkpoints.py does.
"""

import argparse
import os
import tempfile

import numpy as np
import tensorflow as tf

from expected import expect, values, write_expected

v1 = tf.compat.v1


def saver(out):
    """Every element type, and 40 variables of like names; with what a momentum optimiser and a counter leave."""
    types = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
    found = {f"types/{dtype}": values(2, 3, seed=len(dtype)).astype(dtype) for dtype in types}
    found |= {f"conv{i}/weights": values(2, seed=i) for i in range(40)}
    with tf.Graph().as_default(), v1.Session() as session:
        for name, array in found.items():
            v1.get_variable(name, initializer=array)
        v1.get_variable("bfloat16", initializer=tf.cast(values(3), tf.bfloat16))
        v1.get_variable("conv1/weights/Momentum", initializer=values(2))
        step = v1.get_variable("global_step", initializer=np.int64(60000))
        session.run(v1.global_variables_initializer())
        for name, variables, version in (
            ("saver.ckpt-60000", None, v1.train.SaverDef.V2),
            ("version1.ckpt", [step], v1.train.SaverDef.V1),
        ):
            path = os.path.join(out, name)
            v1.train.Saver(variables, write_version=version).save(
                session, path, write_meta_graph=False, write_state=False
            )
    expected = {name: (array.dtype.name, array) for name, array in found.items()}
    expect("saver.ckpt-60000.index", {**expected, "bfloat16": ("bfloat16", values(3))})


def shards(out):
    """Two checkpoints merged into one with two files of data, as a Saver of several machines leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        prefixes = []
        for i in range(2):
            prefixes.append(os.path.join(folder, f"part{i}"))
            tf.raw_ops.SaveV2(
                prefix=prefixes[i], tensor_names=[f"part{i}"], shape_and_slices=[""], tensors=[values(3, seed=i)]
            )
        tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=prefixes, destination_prefix=os.path.join(out, "shards"), delete_old_dirs=False
        )
    expect("shards.index", {f"part{i}": ("float32", values(3, seed=i)) for i in range(2)})


def objects(out):
    """TensorFlow 2's, of a graph of objects and an optimiser with slots."""
    layer = tf.Module()
    layer.kernel = tf.Variable(values(1, 1, 2, 3))
    optimiser = v1.train.MomentumOptimizer(0.1, 0.9)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.kernel)
    optimiser.apply_gradients([(tape.gradient(loss, layer.kernel), layer.kernel)])
    kernel = layer.kernel.numpy()
    tf.train.Checkpoint(layer=layer, optimizer=optimiser).write(os.path.join(out, "objects"))
    expect("objects.index", {"layer/kernel": ("float32", kernel)})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    saver(out)
    shards(out)
    objects(out)
    write_expected(os.path.join(out, "expectedTensorflow.json"))


main()
