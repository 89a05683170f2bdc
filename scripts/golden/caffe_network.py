"""PSPNet as hszhao/PSPNet's prototxts state it, in PyTorch's functions, with blobs by the names of Caffe's layers.

The ports to Keras and TensorFlow keep these names; what they compute otherwise is an argument here.
"""

import numpy as np
import torch
import torch.nn.functional as F

from narrow import Weights

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
BINS = (1, 2, 3, 6)
MEAN = [value / 255 for value in (123.68, 116.779, 103.939)]
STD = [1 / 255] * 3


def blobs(layers, classes, width, seed, aux=False):
    """{layer: arrays}: a convolution's [weight] or [weight, bias], a batch norm's [slope, bias, mean, variance]."""
    weights, found = Weights(seed), {}

    def add(name, output, inputs, kernel, last=False, gain=1.0):
        found[name] = [weights.convolution(output, inputs, kernel, gain)]
        found[f"{name}/bn"] = list(weights.norm(output, last))

    add("conv1_1_3x3_s2", width, 3, 3, gain=1 / 64)
    add("conv1_2_3x3", width, width, 3)
    add("conv1_3_3x3", 2 * width, width, 3)
    inputs = 2 * width
    for stage, blocks in enumerate(BLOCKS[layers], start=2):
        planes = width * 2 ** (stage - 2)
        for block in range(1, blocks + 1):
            name = f"conv{stage}_{block}"
            add(f"{name}_1x1_reduce", planes, inputs, 1)
            add(f"{name}_3x3", planes, planes, 3)
            add(f"{name}_1x1_increase", 4 * planes, planes, 1, last=True)
            if block == 1:
                add(f"{name}_1x1_proj", 4 * planes, inputs, 1)
            inputs = 4 * planes
        if aux and stage == 4:
            add(f"conv4_{blocks + 1}", inputs // 4, inputs, 3)
            found["conv6_1"] = [weights.convolution(classes, inputs // 4, 1), weights.vector(classes)]
    for bins in BINS:
        add(f"conv5_3_pool{bins}_conv", inputs // 4, inputs, 1)
    add("conv5_4", inputs // 4, 2 * inputs, 3)
    found["conv6"] = [weights.convolution(classes, inputs // 4, 1), weights.vector(classes)]
    return found


def logits(found, image, layers, stride_in, eps=1e-5, same=False):
    """Logits of the image's size, [1, classes, h, w].

    `image` is [1, 3, h, w], of 8n+1 pixels a side with n + 1 divisible by 6; or, with TensorFlow's `same` padding, of
    8n, n divisible by 6.
    """
    tensors = {
        name: [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays] for name, arrays in found.items()
    }

    def conv(x, name, **how):
        weight, *bias = tensors[name]
        return F.conv2d(x, weight, *bias, **how)

    def conv_bn(x, name, **how):
        scale, shift, mean, variance = tensors[f"{name}/bn"]
        return F.batch_norm(conv(x, name, **how), mean, variance, scale, shift, eps=eps)

    def around(x):
        """Zeros for a kernel of 3 that strides by 2."""
        return F.pad(x, (0, 1, 0, 1) if same else (1, 1, 1, 1))

    x = F.relu(conv_bn(around(torch.from_numpy(image)), "conv1_1_3x3_s2", stride=2))
    x = F.relu(conv_bn(x, "conv1_2_3x3", padding=1))
    x = F.relu(conv_bn(x, "conv1_3_3x3", padding=1))
    x = F.max_pool2d(around(x), 3, 2, ceil_mode=True)
    for stage, dilation in zip((2, 3, 4, 5), (1, 1, 2, 4)):
        for block in range(1, BLOCKS[layers][stage - 2] + 1):
            name = f"conv{stage}_{block}"
            stride = 2 if (stage, block) == (3, 1) else 1
            reduce, middle = (stride, 1) if stride_in == "1x1" else (1, stride)
            y = F.relu(conv_bn(x, f"{name}_1x1_reduce", stride=reduce))
            y = F.relu(conv_bn(y, f"{name}_3x3", stride=middle, padding=dilation, dilation=dilation))
            y = conv_bn(y, f"{name}_1x1_increase")
            x = F.relu((conv_bn(x, f"{name}_1x1_proj", stride=stride) if block == 1 else x) + y)
    side = x.shape[2]
    pyramid = [x]
    for bins in reversed(BINS):
        y = F.relu(conv_bn(F.avg_pool2d(x, side // bins), f"conv5_3_pool{bins}_conv"))
        pyramid.append(F.interpolate(y, (side, side), mode="bilinear", align_corners=True))
    y = conv(F.relu(conv_bn(torch.cat(pyramid, 1), "conv5_4", padding=1)), "conv6")
    return F.interpolate(y, image.shape[2:], mode="bilinear", align_corners=True).numpy()
