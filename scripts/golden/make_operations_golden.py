"""Records what PyTorch computes for each operation of core's `Tensor`, with its gradients: the yardstick of packages/pspnet/test/operations.test.ts.

python make_operations_golden.py --out packages/pspnet/test/golden/operations.safetensors
Needs torch 2.15, numpy, safetensors; a second.

Inputs are not stored: `uniform` of make_golden.py makes them from their names, as packages/pspnet/test/support/reproducible.ts does.
"""
import argparse
import itertools
import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

from make_golden import uniform

OPERATIONS = {
    "conv2d": lambda x, o, weight, bias=None: F.conv2d(x, weight, bias, o["stride"], o["padding"], o["dilation"], o["groups"]),
    "batchNorm": lambda x, o, weight, bias, mean, variance: F.batch_norm(x, mean, variance, weight, bias, eps=o["eps"]),
    "relu6": lambda x, o: F.relu6(x),
    "prelu": lambda x, o, weight: F.prelu(x, weight),
    "logSoftmax": lambda x, o: F.log_softmax(x, o["dim"]),
    "linear": lambda x, o, weight, bias=None: F.linear(x, weight, bias),
    "maxPool2d": lambda x, o: F.max_pool2d(x, o["kernelSize"], o["stride"], o["padding"], ceil_mode=o["ceilMode"]),
    "avgPool2d": lambda x, o: F.avg_pool2d(x, o["kernelSize"], o["stride"], o["padding"], o["ceilMode"], o["countIncludePad"]),
    "adaptiveAvgPool2d": lambda x, o: F.adaptive_avg_pool2d(x, o["bins"]),
    "pad": lambda x, o: F.pad(x, o["padding"]),
    "resizeBy": lambda x, o: F.interpolate(x, scale_factor=o["factor"], mode="bilinear", align_corners=o["alignCorners"]),
}


def conv(groups, stride=1, dilation=1):
    return dict(stride=stride, padding=dilation, dilation=dilation, groups=groups)


def pools():
    """Every pool on maps of one pixel, of a few, and of many that do not divide; where PyTorch has one."""
    windows = [(1, 2, 0), (2, 2, 0), (2, 2, 1), (3, 2, 0), (3, 2, 1), (2, 3, 1), (3, 3, 1), (6, 6, 0)]
    for (kernel, stride, padding), ceil, (h, w) in itertools.product(windows, (False, True), [(1, 1), (2, 3), (7, 10)]):
        options = dict(kernelSize=kernel, stride=stride, padding=padding, ceilMode=ceil)
        kinds = [("maxPool2d", options)]
        kinds += [("avgPool2d", dict(options, countIncludePad=counted)) for counted in ((False, True) if padding else (True,))]
        try:
            F.max_pool2d(torch.zeros(1, 2, h, w), kernel, stride, padding, ceil_mode=ceil)
        except RuntimeError:
            continue
        for operation, told in kinds:
            yield operation, told, dict(x=[1, 2, h, w])


def cases():
    yield "conv2d", conv(2, stride=2), dict(x=[2, 6, 7, 9], weight=[8, 3, 3, 3], bias=[8])
    yield "conv2d", conv(8, stride=2), dict(x=[2, 8, 7, 8], weight=[8, 1, 3, 3])
    yield "conv2d", conv(16, dilation=2), dict(x=[1, 16, 6, 5], weight=[16, 1, 3, 3], bias=[16])
    yield "conv2d", conv(4), dict(x=[1, 4, 5, 6], weight=[8, 1, 3, 3], bias=[8])
    yield "batchNorm", dict(eps=1e-3), dict(x=[2, 5, 3, 4], weight=[5], bias=[5], mean=[5], variance=[5])
    yield "relu6", {}, dict(x=[2, 3, 4, 5])
    yield "prelu", {}, dict(x=[2, 3, 4, 5], weight=[1])
    yield "prelu", {}, dict(x=[2, 3, 4, 5], weight=[3])
    yield "logSoftmax", dict(dim=1), dict(x=[2, 7, 3, 4])
    yield "logSoftmax", dict(dim=1), dict(x=[3, 7])
    yield "linear", {}, dict(x=[3, 6], weight=[4, 6], bias=[4])
    yield "linear", {}, dict(x=[3, 6], weight=[4, 6])
    yield "adaptiveAvgPool2d", dict(bins=1), dict(x=[2, 3, 4, 5])
    yield "pad", dict(padding=[1, 2, 3, 0]), dict(x=[1, 2, 3, 4])
    yield "pad", dict(padding=[-1, 2, 0, -2]), dict(x=[1, 2, 3, 4])
    for factor, align_corners in itertools.product((2, 3), (True, False)):
        yield "resizeBy", dict(factor=factor, alignCorners=align_corners), dict(x=[1, 2, 3, 4])
    yield from pools()


def value(case, name, shape):
    """Numbers on both sides of 0 and of 6; variances above 0."""
    u = uniform(f"{case} {name}", int(np.prod(shape)))
    u = 1.5 + u if name == "variance" else 8 * u if name == "x" else u
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def record(case, operation, options, shapes):
    inputs = {name: value(case, name, shape) for name, shape in shapes.items()}
    learnt = {name: tensor.requires_grad_() for name, tensor in inputs.items() if name not in ("mean", "variance")}
    y = OPERATIONS[operation](inputs["x"], options, *list(inputs.values())[1:])
    y.backward(torch.from_numpy(uniform(f"{case} gradient", y.numel()).astype(np.float32)).reshape(y.shape))
    return {f"{case}.y": y.detach()} | {f"{case}.{name}": tensor.grad for name, tensor in learnt.items()}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", required=True)
    found, told = {}, []
    for i, (operation, options, shapes) in enumerate(cases()):
        found |= record(f"case {i}", operation, options, shapes)
        told.append(dict(operation=operation, options=options, shapes=shapes))
    tensors = {name: tensor.contiguous().numpy() for name, tensor in found.items()}
    save_file(tensors, arguments.parse_args().out, dict(torch=torch.__version__, cases=json.dumps(told)))
    print(len(told), "cases")


main()
