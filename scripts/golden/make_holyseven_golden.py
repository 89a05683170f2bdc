"""Records a checkpoint of holyseven/PSPNet-TF-Reproduce, its logits, and TensorFlow 1's bilinear resize with its gradient:
packages/pspnet/test/foreign.test.ts, packages/torch/test/asymmetric.test.ts.

python make_holyseven_golden.py --out packages/pspnet/test/golden/families --resize packages/torch/test/fixtures
Needs tensorflow, torch, numpy, safetensors; seconds.

Stated from model/pspnet_mg.py and model/utils_mg.py in TensorFlow's own operations: it computes the logits, names the variables as that
code has them named, and its Saver writes them, with slots of the optimiser.
"""

import argparse
import os
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf
from safetensors.numpy import save_file

from narrow import Weights, photo, planes, record

CLASSES, WIDTH, SIDE, LAYERS = 5, 1, 96, (3, 4, 6, 3)
BINS = (6, 3, 2, 1)
MEAN = [value / 255 for value in (122.67891434, 116.66876762, 104.00698793)]
STD = [1 / 255] * 3
# Sizes from and to: eightfold as logits, to what is no multiple, of one value, and smaller.
RESIZES = (((3, 4), (24, 32)), ((6, 3), (10, 11)), ((1, 1), (5, 7)), ((9, 7), (4, 3)))

tf.disable_v2_behavior()


class Network:
    """The network of variables of one scope, with their values; all of [n, h, w, c]."""

    def __init__(self, seed):
        self.weights = Weights(seed)

    def variable(self, scope, array, **how):
        """The original gives variables no name of their own, but a scope."""
        with tf.variable_scope(scope):
            return tf.get_variable("", initializer=array, **how)

    def conv(self, x, channels, kernel, stride=1, rate=1, gain=1.0):
        array = self.weights.convolution(channels, int(x.shape[3]), kernel, gain)
        filters = self.variable("weights", np.ascontiguousarray(array.transpose(2, 3, 1, 0)))
        if stride > 1:
            before, after = (kernel - 1) // 2, kernel // 2
            x = tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]])
            return tf.nn.conv2d(x, filters, stride, "VALID")
        return tf.nn.atrous_conv2d(x, filters, rate, "SAME") if rate > 1 else tf.nn.conv2d(x, filters, 1, "SAME")

    def norm(self, x, last=False):
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        with tf.variable_scope("BatchNorm"):
            gamma, beta, mean, variance = (
                tf.get_variable(name, initializer=array, trainable=not name.startswith("moving"))
                for name, array in zip(names, self.weights.norm(int(x.shape[3]), last))
            )
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-5)

    def layer(self, scope, x, channels, kernel, **how):
        with tf.variable_scope(scope):
            return tf.nn.relu(self.norm(self.conv(x, channels, kernel, **how)))

    def unit(self, x, channels, stride, rate):
        inner = channels // 4
        y = self.layer("conv1", x, inner, 1)
        y = self.layer("conv2", y, inner, 3, stride=stride, rate=rate)
        with tf.variable_scope("conv3"):
            y = self.norm(self.conv(y, channels, 1), last=True)
        if int(x.shape[3]) != channels:
            with tf.variable_scope("shortcut"):
                x = self.norm(self.conv(x, channels, 1, stride=stride))
        return tf.nn.relu(x + y)

    def classifier(self, scope, x):
        with tf.variable_scope(scope):
            return self.conv(x, CLASSES, 1) + self.variable("biases", self.weights.vector(CLASSES))

    def logits(self, x):
        """Auxiliary and main, of the image's size."""
        size = x.shape[1:3]
        x = self.layer("conv1", x, WIDTH, 7, stride=2, gain=1 / 64)
        x = tf.nn.max_pool(x, 3, 2, "SAME")
        for block, (units, stride, rate) in enumerate(zip(LAYERS, (1, 2, 1, 1), (1, 1, 2, 4)), start=1):
            channels = 4 * WIDTH * 2 ** (block - 1)
            for unit in range(1, units + 1):
                with tf.variable_scope(f"block{block}/unit_{unit}/bottleneck_v1"):
                    x = self.unit(x, channels, stride if unit == 1 else 1, rate)
            if block == 3:
                y = self.layer(f"block3/unit_{units + 1}", x, channels // 4, 3)
                auxiliary = resized(self.classifier("aux_logits", y), size)
        side = int(x.shape[1])
        levels = [x]
        for bins in BINS:
            y = tf.nn.avg_pool(x, side // bins, side // bins, "SAME")
            levels.append(resized(self.layer(f"psp/pool{bins}", y, channels // 4, 1), [side, side]))
        x = self.layer(f"block4/unit_{LAYERS[3] + 1}", tf.concat(levels, 3), channels // 4, 3)
        return auxiliary, resized(self.classifier("logits", x), size)


def resized(x, size):
    return tf.image.resize_bilinear(x, size, align_corners=False, half_pixel_centers=False)


def network(out):
    image = planes(photo(SIDE, SIDE), MEAN, STD, bgr=False)
    with tf.Graph().as_default(), tf.Session() as session, tempfile.TemporaryDirectory() as folder:
        with tf.variable_scope("resnet_v1_50"):
            auxiliary, logits = Network(seed=21).logits(tf.constant(image.transpose(0, 2, 3, 1)))
        loss = tf.reduce_mean(logits) + tf.reduce_mean(auxiliary)
        tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss, var_list=tf.trainable_variables("resnet_v1_50/logits"))
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(
            session, os.path.join(folder, "model.ckpt"), global_step=30000, write_meta_graph=False
        )
        endings = (".index", ".data-00000-of-00001")
        files = {f".ckpt{ending}": open(path + ending, "rb").read() for ending in endings}
        record(out, "holyseven", session.run(logits).transpose(0, 3, 1, 2), files)


def resizes(out):
    """`i.x`, `i.y`, the gradient `i.dx` of the sum of y times `i.dy`; all [n, c, h, w]."""
    random, arrays = np.random.default_rng(22), {}
    with tf.Graph().as_default(), tf.Session() as session:
        for i, (before, after) in enumerate(RESIZES):
            values = {
                name: (random.integers(-64, 65, (1, *size, 2)) / 16).astype(np.float32)
                for name, size in (("x", before), ("dy", after))
            }
            x = tf.constant(values["x"])
            y = resized(x, after)
            values["y"], values["dx"] = session.run([y, tf.gradients(y, x, values["dy"])[0]])
            for name, value in values.items():
                arrays[f"{i}.{name}"] = np.ascontiguousarray(value.transpose(0, 3, 1, 2))
    os.makedirs(out, exist_ok=True)
    save_file(arrays, os.path.join(out, "resizeBilinear.safetensors"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--resize", required=True)
    arguments = parser.parse_args()
    network(arguments.out)
    resizes(arguments.resize)


main()
