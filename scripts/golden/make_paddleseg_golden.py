"""Records checkpoints of PaddleSeg's PSPNet and their logits: packages/pspnet/test/foreign.test.ts.

python make_paddleseg_golden.py --out packages/pspnet/test/golden/families
Needs torch, numpy, safetensors; a second.

Stated from paddleseg/models/pspnet.py and backbones/resnet_vd.py; `.pdparams` is the pickle that `paddle.save`
makes of a `state_dict`, and the test reads; the same arrays stand in `.safetensors`.
"""

import argparse
import pickle

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save

from narrow import Weights, photo, planes, record

CLASSES, WIDTH, HEAD = 5, 2, 8
BLOCKS = (3, 4, 6, 3)
BINS = (1, 2, 3, 6)
SIZE = (90, 107)


def parameters(seed, auxiliary):
    weights, found = Weights(seed), {}

    def add(name, output, inputs, kernel, bias=False, last=False):
        found[f"{name}._conv.weight"] = weights.convolution(output, inputs, kernel)
        if bias:
            found[f"{name}._conv.bias"] = weights.vector(output)
        for key, array in zip(("weight", "bias", "_mean", "_variance"), weights.norm(output, last)):
            found[f"{name}._batch_norm.{key}"] = array

    def classifier(name, inputs):
        found[f"{name}.weight"] = weights.convolution(CLASSES, inputs, 1)
        found[f"{name}.bias"] = weights.vector(CLASSES)

    for name, output, inputs in (("1", WIDTH // 2, 3), ("2", WIDTH // 2, WIDTH // 2), ("3", WIDTH, WIDTH // 2)):
        add(f"backbone.conv1_{name}", output, inputs, 3)
    inputs = WIDTH
    for stage, blocks in enumerate(BLOCKS):
        channels = WIDTH * 2**stage
        for block in range(blocks):
            name = f"backbone.bb_{stage}_{block}"
            add(f"{name}.conv0", channels, inputs, 1)
            add(f"{name}.conv1", channels, channels, 3)
            add(f"{name}.conv2", 4 * channels, channels, 1, last=True)
            if block == 0:
                add(f"{name}.short", 4 * channels, inputs, 1)
            inputs = 4 * channels
    for level in range(len(BINS)):
        add(f"head.psp_module.stages.{level}.1", inputs // 4, inputs, 1, bias=True)
    add("head.psp_module.conv_bn_relu2", HEAD, 2 * inputs, 3, bias=True)
    classifier("head.conv", HEAD)
    if auxiliary:
        add("head.auxlayer.conv_bn_relu", inputs // 8, inputs // 2, 3, bias=True)
        classifier("head.auxlayer.conv", inputs // 8)
    return found


def logits(found, image):
    tensors = {name: torch.from_numpy(array) for name, array in found.items()}

    def conv_bn(x, name, **how):
        x = F.conv2d(x, tensors[f"{name}._conv.weight"], tensors.get(f"{name}._conv.bias"), **how)
        scale, shift, mean, variance = (
            tensors[f"{name}._batch_norm.{key}"] for key in ("weight", "bias", "_mean", "_variance")
        )
        return F.batch_norm(x, mean, variance, scale, shift, eps=1e-5)

    x = torch.from_numpy(image)
    for name, stride in (("1", 2), ("2", 1), ("3", 1)):
        x = F.relu(conv_bn(x, f"backbone.conv1_{name}", stride=stride, padding=1))
    x = F.max_pool2d(x, 3, 2, padding=1)
    for stage, dilation in enumerate((1, 1, 2, 4)):
        for block in range(BLOCKS[stage]):
            name = f"backbone.bb_{stage}_{block}"
            stride = 2 if (stage, block) == (1, 0) else 1
            y = F.relu(conv_bn(x, f"{name}.conv0"))
            y = F.relu(conv_bn(y, f"{name}.conv1", stride=stride, padding=dilation, dilation=dilation))
            y = conv_bn(y, f"{name}.conv2")
            if block == 0:
                x = F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False) if stride == 2 else x
                x = conv_bn(x, f"{name}.short")
            x = F.relu(x + y)
    size = x.shape[2:]
    pyramid = [x]
    for level, bins in reversed(list(enumerate(BINS))):
        y = F.relu(conv_bn(F.adaptive_avg_pool2d(x, bins), f"head.psp_module.stages.{level}.1"))
        pyramid.append(F.interpolate(y, size, mode="bilinear", align_corners=False))
    x = F.relu(conv_bn(torch.cat(pyramid, 1), "head.psp_module.conv_bn_relu2", padding=1))
    x = F.conv2d(x, tensors["head.conv.weight"], tensors["head.conv.bias"])
    return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=False).numpy()


def pdparams(found):
    """Arrays by name, and the names that the parameters have in Paddle's own programs."""
    parameters = {name: f"parameter_{i}" for i, name in enumerate(found)}
    return pickle.dumps({**found, "StructuredToParameterName@@": parameters}, protocol=4)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    image = planes(photo(*SIZE), mean=[0.5] * 3, std=[0.5] * 3, bgr=False)
    for name, seed, auxiliary in (("paddleseg", 6, True), ("paddleseg-without-auxiliary", 7, False)):
        found = parameters(seed, auxiliary)
        record(out, name, logits(found, image), {".pdparams": pdparams(found), ".safetensors": save(found)})


main()
