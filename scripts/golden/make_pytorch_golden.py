"""Records what published PSPNets in PyTorch compute: the yardstick of packages/pspnet/test/foreign.test.ts.

python make_pytorch_golden.py --out packages/pspnet/test/golden/families
Needs torch, numpy, safetensors; some seconds. Each network is stated in PyTorch functions, narrow, by its repository's
names: running it once makes the weights that it asks for.
"""
import argparse
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from narrow import Recipes, photo, planes, recipes_file, record

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
BINS = (1, 2, 3, 6)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLASSES = 5


class Checkpoint:
    """Tensors by name, made when a layer asks for them."""

    def __init__(self, case):
        self.case = case
        self.weights = Recipes()
        self.grids = {}

    def tensor(self, name, grid):
        self.grids[name] = grid
        return torch.from_numpy(grid.values(f"{self.case} {name}"))

    def conv(self, x, name, output, kernel, bias=False, groups=1, gain=1.0, **how):
        inputs = x.shape[1] // groups
        weight = self.tensor(f"{name}.weight", self.weights.convolution(output, inputs, kernel, gain))
        shift = self.tensor(f"{name}.bias", self.weights.vector(output)) if bias else None
        how = {"padding": kernel // 2 * how.get("dilation", 1), **how}
        return F.conv2d(x, weight, shift, groups=groups, **how)

    def norm(self, x, name, last=False):
        parts = zip(("weight", "bias", "running_mean", "running_var"), self.weights.norm(x.shape[1], last))
        scale, shift, mean, variance = (self.tensor(f"{name}.{part}", grid) for part, grid in parts)
        return F.batch_norm(x, mean, variance, scale, shift)

    def linear(self, name, output, inputs):
        self.tensor(f"{name}.weight", self.weights.grid(-8, 8, (output, inputs)))
        self.tensor(f"{name}.bias", self.weights.vector(output))


def enlarge(x, size, align):
    return F.interpolate(x, size, mode="bilinear", align_corners=align)


def deep_stem(net, x, convolutions, norms, channels):
    """Three 3x3 convolutions by these names, then the pool."""
    for i in range(3):
        how = dict(stride=2, gain=1.0) if i == 0 else {}
        x = F.relu(net.norm(net.conv(x, convolutions[i], channels[i], 3, **how), norms[i]))
    return F.max_pool2d(x, 3, 2, 1)


def plain_stem(net, x, convolution, norm, channels):
    return F.max_pool2d(F.relu(net.norm(net.conv(x, convolution, channels, 7, stride=2), norm)), 3, 2, 1)


def block(net, x, name, planes, stride, dilations, bottleneck):
    """`dilations` are those of the first and the second 3x3 convolution."""
    output = 4 * planes if bottleneck else planes
    if bottleneck:
        y = F.relu(net.norm(net.conv(x, f"{name}.conv1", planes, 1), f"{name}.bn1"))
        y = net.conv(y, f"{name}.conv2", planes, 3, stride=stride, dilation=dilations[0])
        y = F.relu(net.norm(y, f"{name}.bn2"))
        y = net.norm(net.conv(y, f"{name}.conv3", output, 1), f"{name}.bn3", last=True)
    else:
        y = net.conv(x, f"{name}.conv1", planes, 3, stride=stride, dilation=dilations[0])
        y = F.relu(net.norm(y, f"{name}.bn1"))
        y = net.norm(net.conv(y, f"{name}.conv2", planes, 3, dilation=dilations[1]), f"{name}.bn2", last=True)
    if stride != 1 or x.shape[1] != output:
        x = net.norm(net.conv(x, f"{name}.downsample.0", output, 1, stride=stride), f"{name}.downsample.1")
    return F.relu(x + y)


def stages(net, x, prefix, layers, width, strides, first, others, basic=lambda dilation, stage: dilation, count=4):
    """The features after each stage. `first` and `others` are the dilations of a stage's blocks."""
    found = []
    for stage in range(count):
        for i in range(BLOCKS[layers][stage]):
            stride, dilation = (strides[stage], first[stage]) if i == 0 else (1, others[stage])
            both = (dilation, basic(dilation, others[stage]))
            x = block(net, x, f"{prefix}layer{stage + 1}.{i}", width * 2**stage, stride, both, layers >= 50)
        found.append(x)
    return found


def levels(net, x, names, channels, align, bins=BINS):
    """1x1 convolution and batch norm by the names of each level, enlarged to the features."""
    found = []
    for bin, (convolution, norm) in zip(bins, names):
        y = F.relu(net.norm(net.conv(F.adaptive_avg_pool2d(x, bin), convolution, channels, 1), norm))
        found.append(enlarge(y, x.shape[2:], align))
    return found


def head(net, x, convolution, norm, classifier, channels):
    return net.conv(F.relu(net.norm(net.conv(x, convolution, channels, 3), norm)), classifier, CLASSES, 1, bias=True)


def semseg(net, x):
    p, size = "module.", x.shape[2:]
    y = deep_stem(net, x, [f"{p}layer0.{i}" for i in (0, 3, 6)], [f"{p}layer0.{i}" for i in (1, 4, 7)], (2, 2, 4))
    *_, x3, x4 = stages(net, y, p, 50, 2, (1, 2, 1, 1), (1, 1, 2, 4), (1, 1, 2, 4))
    names = [(f"{p}ppm.features.{i}.1", f"{p}ppm.features.{i}.2") for i in range(4)]
    out = head(net, torch.cat([x4, *levels(net, x4, names, 16, True)], 1), f"{p}cls.0", f"{p}cls.1", f"{p}cls.4", 8)
    head(net, x3, f"{p}aux.0", f"{p}aux.1", f"{p}aux.4", 4)
    return enlarge(out, size, True)


def mmseg_heads(net, middle, last, size, channels, auxiliary, align):
    names = [(f"decode_head.psp_modules.{i}.1.conv", f"decode_head.psp_modules.{i}.1.bn") for i in range(4)]
    x = torch.cat([last, *levels(net, last, names, channels, align)], 1)
    d, a = "decode_head", "auxiliary_head"
    out = head(net, x, f"{d}.bottleneck.conv", f"{d}.bottleneck.bn", f"{d}.conv_seg", channels)
    head(net, middle, f"{a}.convs.0.conv", f"{a}.convs.0.bn", f"{a}.conv_seg", auxiliary)
    return enlarge(out, size, align)


def mmseg_r18(net, x):
    """R18-V1c-D8: basic blocks dilate their first convolution alone, half in a stage's first block."""
    p = "backbone.stem."
    y = deep_stem(net, x, [p + i for i in "036"], [p + i for i in "147"], (2, 2, 4))
    *_, x3, x4 = stages(net, y, "backbone.", 18, 4, (1, 2, 1, 1), (1, 1, 1, 2), (1, 1, 2, 4), lambda *_: 1)
    return mmseg_heads(net, x3, x4, x.shape[2:], 6, 4, False)


def mmseg_r50b_d32(net, x):
    """R50b-D32: one 7x7 convolution, strides to the end, and dilations that stay; corners are aligned."""
    y = plain_stem(net, x, "backbone.conv1", "backbone.bn1", 2)
    *_, x3, x4 = stages(net, y, "backbone.", 50, 2, (1, 2, 2, 2), (1, 1, 1, 2), (1, 1, 2, 4))
    return mmseg_heads(net, x3, x4, x.shape[2:], 6, 4, True)


MOBILE = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))


def inverted(net, x, names, expansion, output, stride, dilation):
    """`names` are those of convolution and norm of each of the two or three layers."""
    names, y, inner = iter(names), x, expansion * x.shape[1]
    residual = stride == 1 and x.shape[1] == output
    if expansion > 1:
        convolution, norm = next(names)
        y = F.relu6(net.norm(net.conv(y, convolution, inner, 1), norm))
    convolution, norm = next(names)
    y = F.relu6(net.norm(net.conv(y, convolution, inner, 3, groups=inner, stride=stride, dilation=dilation), norm))
    convolution, norm = next(names)
    y = net.norm(net.conv(y, convolution, output, 1, gain=2.0), norm, last=residual)
    return x + y if residual else y


def mmseg_mobilenet(net, x):
    """Numbers of channels are an eighth, rounded to multiples of 8; the first block of a stage alone is dilated."""
    size = x.shape[2:]
    y = F.relu6(net.norm(net.conv(x, "backbone.conv1.conv", 8, 3, stride=2), "backbone.conv1.bn"))
    strides, dilations = (1, 2, 2, 1, 1, 1, 1), (1, 1, 1, 2, 2, 4, 4)
    channels = (8, 8, 8, 16, 24, 40, 80)
    for stage, (expansion, _, count) in enumerate(MOBILE):
        for i in range(count):
            name = f"backbone.layer{stage + 1}.{i}.conv"
            names = [(f"{name}.{j}.conv", f"{name}.{j}.bn") for j in range(3)]
            how = (strides[stage], dilations[stage]) if i == 0 else (1, 1)
            y = inverted(net, y, names, expansion, channels[stage], *how)
        middle = y if stage == 4 else None if stage < 4 else middle
    return mmseg_heads(net, middle, y, size, 6, 4, False)


def csail_heads(net, middle, last, size, channels):
    out = csail_decoder(net, last)
    head(net, middle, "cbr_deepsup.0", "cbr_deepsup.1", "conv_last_deepsup", channels)
    return enlarge(out, size, False)


def csail_decoder(net, x):
    names = [(f"ppm.{i}.1", f"ppm.{i}.2") for i in range(4)]
    y = torch.cat([x, *levels(net, x, names, 6, False)], 1)
    return head(net, y, "conv_last.0", "conv_last.1", "conv_last.4", 6)


def csail_resnet(net, x, layers, width):
    """A convolution that has lost its stride is dilated half; that of a basic block's second is the stage's."""
    y = deep_stem(net, x, ["conv1", "conv2", "conv3"], ["bn1", "bn2", "bn3"], (4, 4, 8))
    second = lambda _, stage: stage
    *_, x3, x4 = stages(net, y, "", layers, width, (1, 2, 1, 1), (1, 1, 1, 2), (1, 1, 2, 4), second)
    return csail_heads(net, x3, x4, x.shape[2:], 8)


def tonylins(net, x, prefix, width, dilate):
    """MobileNetV2 in a row; a convolution that has lost its stride is dilated half. Gives what each block gives."""
    y = F.relu6(net.norm(net.conv(x, f"{prefix}features.0.0", int(32 * width), 3, stride=2), f"{prefix}features.0.1"))
    found, at, strides = [y], 1, (1, 2, 2, 2, 1, 2, 1)
    for stage, (expansion, channels, count) in enumerate(MOBILE):
        for i in range(count):
            name = f"{prefix}features.{at}.conv"
            names = [(f"{name}.{j}", f"{name}.{j + 1}") for j in (0, 3, 6)]
            stride, dilation = strides[stage] if i == 0 else 1, dilate[stage]
            if stride == 2 and dilation > 1:
                stride, dilation = 1, dilation // 2
            y = inverted(net, y, names, expansion, int(channels * width), stride, dilation)
            found.append(y)
            at += 1
    return found


def csail_mobilenet(net, x):
    """Its auxiliary head looks at the first block of 160 channels."""
    found = tonylins(net, x, "", 1 / 8, (1, 1, 1, 2, 2, 4, 4))
    return csail_heads(net, found[14], found[-1], x.shape[2:], 10)


def smp_decoder(net, features):
    """Levels come before the features; that of one cell has a bias and no batch norm."""
    found = []
    for i, bin in enumerate(BINS):
        name, channels = f"decoder.psp.blocks.{i}.pool.1", features.shape[1] // 4
        z = net.conv(F.adaptive_avg_pool2d(features, bin), f"{name}.0", channels, 1, bias=bin == 1)
        found.append(enlarge(F.relu(z if bin == 1 else net.norm(z, f"{name}.1")), features.shape[2:], True))
    return F.relu(net.norm(net.conv(torch.cat([*found, features], 1), "decoder.conv.0", 8, 1), "decoder.conv.1"))


def smp_head(net, z):
    out = net.conv(z, "segmentation_head.0", CLASSES, 3, bias=True)
    return F.interpolate(out, scale_factor=8, mode="bilinear", align_corners=True)


def smp_resnet(net, x, layers, width):
    """Two stages of the encoder; the other two stand there unused."""
    y = plain_stem(net, x, "encoder.conv1", "encoder.bn1", 4)
    features = stages(net, y, "encoder.", layers, width, (1, 2, 2, 2), (1,) * 4, (1,) * 4)[1]
    z = smp_decoder(net, features)
    net.linear("classification_head.3", CLASSES, features.shape[1])
    return smp_head(net, z)


def smp_resnext(net, x):
    """ResNeXt: four groups of two channels between eight; two stages, as timm's encoders have no more."""
    x = plain_stem(net, x, "encoder.model.conv1", "encoder.model.bn1", 4)
    for stage, count in enumerate(BLOCKS[50][:2]):
        planes = 4 * 2**stage
        for i in range(count):
            name, stride = f"encoder.model.layer{stage + 1}.{i}", 2 if stage == 1 and i == 0 else 1
            y = F.relu(net.norm(net.conv(x, f"{name}.conv1", 2 * planes, 1), f"{name}.bn1"))
            y = net.conv(y, f"{name}.conv2", 2 * planes, 3, stride=stride, groups=4)
            y = net.conv(F.relu(net.norm(y, f"{name}.bn2")), f"{name}.conv3", 4 * planes, 1)
            y = net.norm(y, f"{name}.bn3", last=True)
            if i == 0:
                x = net.conv(x, f"{name}.downsample.0", 4 * planes, 1, stride=stride)
                x = net.norm(x, f"{name}.downsample.1")
            x = F.relu(x + y)
    return smp_head(net, smp_decoder(net, x))


def smp_mobilenet(net, x):
    """Half as wide as published, channels in multiples of 8; of the stages behind stands one block."""
    p = "encoder.features"
    y = F.relu6(net.norm(net.conv(x, f"{p}.0.0", 16, 3, stride=2), f"{p}.0.1"))
    for at, (expansion, output, stride) in enumerate(
        [(1, 8, 1), (6, 16, 2), (6, 16, 1), (6, 16, 2), (6, 16, 1), (6, 16, 1), (6, 32, 2)], 1
    ):
        name, groups = f"{p}.{at}.conv", range(1 if expansion == 1 else 2)
        names = [(f"{name}.{i}.0", f"{name}.{i}.1") for i in groups]
        names.append((f"{name}.{len(groups)}", f"{name}.{len(groups) + 1}"))
        y = inverted(net, y, names, expansion, output, stride, 1)
        features = y if at == 6 else None if at < 6 else features
    return smp_head(net, smp_decoder(net, features))


def smp_densenet(net, x):
    """DenseNet-121's first two blocks, batch norm and ReLU of the transition behind them; its convolution is unused."""
    p, growth = "encoder.features.", 2
    y = plain_stem(net, x, f"{p}conv0", f"{p}norm0", 4)
    for block, count in enumerate((6, 12), 1):
        for i in range(1, count + 1):
            name = f"{p}denseblock{block}.denselayer{i}"
            z = net.conv(F.relu(net.norm(y, f"{name}.norm1")), f"{name}.conv1", 4 * growth, 1)
            y = torch.cat([y, net.conv(F.relu(net.norm(z, f"{name}.norm2")), f"{name}.conv2", growth, 3)], 1)
        features = F.relu(net.norm(y, f"{p}transition{block}.norm"))
        y = F.avg_pool2d(net.conv(features, f"{p}transition{block}.conv", y.shape[1] // 2, 1), 2)
    return smp_head(net, smp_decoder(net, features))


def lextal_head(net, x, features):
    stages = []
    for i, bin in enumerate(BINS):
        y = net.conv(F.adaptive_avg_pool2d(x, bin), f"module.psp.stages.{i}.1", x.shape[1], 1)
        stages.append(enlarge(y, x.shape[2:], False))
    y = F.relu(net.conv(torch.cat([*stages, x], 1), "module.psp.bottleneck", 12, 1, bias=True))
    for step, channels in ((1, 8), (2, 6), (3, 6)):
        name = f"module.up_{step}.conv"
        y = enlarge(y, [2 * side for side in y.shape[2:]], False)
        y = net.norm(net.conv(y, f"{name}.0", channels, 3, bias=True), f"{name}.1")
        y = F.prelu(y, net.tensor(f"{name}.2.weight", net.weights.grid(1, 4, 1)))
    net.linear("module.classifier.0", 6, features.shape[1])
    net.linear("module.classifier.2", CLASSES, 6)
    return F.log_softmax(net.conv(y, "module.final.0", CLASSES, 1, bias=True), 1)


def lextal_resnet(net, x, layers, width):
    """The first block of every stage is not dilated."""
    y = plain_stem(net, x, "module.feats.conv1", "module.feats.bn1", 4)
    *_, x3, x4 = stages(net, y, "module.feats.", layers, width, (1, 2, 1, 1), (1,) * 4, (1, 1, 2, 4))
    return lextal_head(net, x4, x3)


def lextal_densenet(net, x):
    """DenseNet-121 that pools once after the stem, with the old names of its layers; its blocks are listed twice."""
    p, growth = "module.feats.", 2
    y = plain_stem(net, x, f"{p}start_features.conv0", f"{p}start_features.norm0", 4)
    for block, count in enumerate((6, 12, 24, 16), 1):
        features = y
        for i in range(1, count + 1):
            name = f"{p}denseblock{block}.denselayer{i}"
            z = net.conv(F.relu(net.norm(y, f"{name}.norm.1")), f"{name}.conv.1", 4 * growth, 1)
            y = torch.cat([y, net.conv(F.relu(net.norm(z, f"{name}.norm.2")), f"{name}.conv.2", growth, 3)], 1)
        if block < 4:
            name = f"{p}transition{block}"
            y = net.conv(F.relu(net.norm(y, f"{name}.norm")), f"{name}.conv", y.shape[1] // 2, 1)
            y = F.avg_pool2d(y, 2) if block == 1 else y
    for name in list(net.grids):
        if "denseblock1" in name:
            net.grids[name.replace("denseblock1", "blocks.0")] = net.grids[name]
    return lextal_head(net, y, features)


def lextal_squeezenet(net, x):
    p = "module.feats."

    def fire(y, name, few, many, dilation):
        y = F.relu(net.conv(y, f"{name}.squeeze", few, 1, bias=True))
        one = F.relu(net.conv(y, f"{name}.expand1x1", many, 1, bias=True))
        three = F.relu(net.conv(y, f"{name}.expand3x3", many, 3, bias=True, dilation=dilation))
        return torch.cat([one, three], 1)

    y = F.relu(net.conv(x, f"{p}feat_1.0", 8, 3, bias=True, stride=2))
    for group, dilation, sizes in ((2, 1, ((2, 8), (2, 8))), (3, 2, ((4, 16), (4, 16)))):
        y = F.max_pool2d(y, 3, 2, 1)
        for i, (few, many) in enumerate(sizes, 1):
            y = fire(y, f"{p}feat_{group}.{i}", few, many, dilation)
    features = y
    for i, (few, many) in enumerate(((6, 24), (6, 24), (8, 32), (8, 32))):
        y = fire(y, f"{p}feat_4.{i}", few, many, 4)
    return lextal_head(net, y, features)


def branches(net, middle, last, auxiliary):
    names = [(f"master_branch.0.stages.{i}.1", f"master_branch.0.stages.{i}.2") for i in range(4)]
    channels = last.shape[1] // 4
    y = torch.cat([last, *levels(net, last, names, channels, True)], 1)
    m, a = "master_branch", "auxiliary_branch"
    head(net, middle, f"{a}.0", f"{a}.1", f"{a}.4", auxiliary)
    return head(net, y, f"{m}.0.bottleneck.0", f"{m}.0.bottleneck.1", f"{m}.1", channels)


def bubbliiiing(net, x):
    """At downsample factor 16."""
    p = "backbone."
    y = deep_stem(net, x, [f"{p}conv{i}" for i in (1, 2, 3)], [f"{p}bn{i}" for i in (1, 2, 3)], (2, 2, 4))
    *_, x3, x4 = stages(net, y, p, 50, 2, (1, 2, 2, 1), (1,) * 4, (1, 1, 1, 2))
    return enlarge(branches(net, x3, x4, 8), x.shape[2:], True)


def bubbliiiing_mobilenet(net, x):
    found = tonylins(net, x, "backbone.", 1 / 4, (1, 1, 1, 1, 1, 2, 2))
    return enlarge(branches(net, found[13], found[-1], 5), x.shape[2:], True)


def yassouali(net, x):
    """Levels are enlarged from corner to corner, logits are not."""
    names = [f"initial.0.{i}" for i in (0, 1, 3, 4, 6)]
    y = deep_stem(net, x, names[::2], [names[1], names[3], "initial.1"], (2, 2, 4))
    *_, x3, x4 = stages(net, y, "", 50, 2, (1, 2, 1, 1), (1, 1, 1, 2), (1, 1, 2, 4))
    return enlarge(branches(net, x3, x4, 16), x.shape[2:], False)


def kazuto(net, x):
    def unit(y, name, output, kernel, relu=True, last=False, **how):
        y = net.norm(net.conv(y, f"{name}.conv", output, kernel, **how), f"{name}.bn", last)
        return F.relu(y) if relu else y

    size, p = x.shape[2:], "fcn.layer"
    for i, channels in enumerate((2, 2, 4), 1):
        x = unit(x, f"{p}1.conv{i}", channels, 3, stride=2 if i == 1 else 1)
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, (count, stride, dilation) in enumerate(zip(BLOCKS[50], (1, 2, 1, 1), (1, 1, 2, 4)), 2):
        planes = 2 ** (stage - 1)
        for i in range(1, count + 1):
            name, s = f"{p}{stage}.block{i}", stride if i == 1 else 1
            y = unit(x, f"{name}.reduce", planes, 1)
            y = unit(y, f"{name}.conv3x3", planes, 3, stride=s, dilation=dilation)
            y = unit(y, f"{name}.increase", 4 * planes, 1, relu=False, last=True)
            x = F.relu(y + (unit(x, f"{name}.proj", 4 * planes, 1, relu=False, stride=s) if i == 1 else x))
        middle = x if stage == 4 else None if stage < 4 else middle
    names = [(f"ppm.stages.s{i}.conv.conv", f"ppm.stages.s{i}.conv.bn") for i in range(4)]
    y = torch.cat([x, *levels(net, x, names, 16, False, bins=BINS[::-1])], 1)
    head(net, middle, "aux.conv4_aux.conv", "aux.conv4_aux.bn", "aux.conv6_1", 4)
    return enlarge(head(net, y, "final.conv5_4.conv", "final.conv5_4.bn", "final.conv6", 8), size, False)


def zijundeng(net, x):
    """A plain stem, corners that are not aligned, and an auxiliary classifier of one convolution."""
    size = x.shape[2:]
    y = plain_stem(net, x, "layer0.0", "layer0.1", 2)
    *_, x3, x4 = stages(net, y, "", 50, 1, (1, 2, 1, 1), (1, 1, 2, 4), (1, 1, 2, 4))
    names = [(f"ppm.features.{i}.1", f"ppm.features.{i}.2") for i in range(4)]
    net.conv(x3, "aux_logits", CLASSES, 1, bias=True)
    y = torch.cat([x4, *levels(net, x4, names, 8, False)], 1)
    return enlarge(head(net, y, "final.0", "final.1", "final.4", 4), size, False)


def pretrained(net, x):
    """What PyTorch-Encoding and Tramac's repository have alike: its stages dilate their first convolution half."""
    p = "pretrained"
    norms = [f"{p}.conv1.1", f"{p}.conv1.4", f"{p}.bn1"]
    y = deep_stem(net, x, [f"{p}.conv1.{i}" for i in (0, 3, 6)], norms, (1, 1, 2))
    net.linear(f"{p}.fc", 10, 32)
    return stages(net, y, f"{p}.", 50, 1, (1, 2, 1, 1), (1, 1, 1, 2), (1, 1, 2, 4))[2:]


def tramac(net, x):
    x3, x4 = pretrained(net, x)
    names = [(f"head.psp.conv{i}.0", f"head.psp.conv{i}.1") for i in (1, 2, 3, 4)]
    head(net, x3, "auxlayer.block.0", "auxlayer.block.1", "auxlayer.block.4", 3)
    y = torch.cat([x4, *levels(net, x4, names, 8, True)], 1)
    return enlarge(head(net, y, "head.block.0", "head.block.1", "head.block.4", 4), x.shape[2:], True)


def encoding(net, x):
    x3, x4 = pretrained(net, x)
    p, a = "head.conv5", "auxlayer.conv5"
    names = [(f"{p}.0.conv{i}.0", f"{p}.0.conv{i}.1") for i in (1, 2, 3, 4)]
    head(net, x3, f"{a}.0", f"{a}.1", f"{a}.4", 3)
    y = torch.cat([x4, *levels(net, x4, names, 8, True)], 1)
    return enlarge(head(net, y, f"{p}.1", f"{p}.2", f"{p}.5", 4), x.shape[2:], True)


def torchseg(net, x):
    p = "backbone."
    norms = [f"{p}conv1.1", f"{p}conv1.4", f"{p}bn1"]
    y = deep_stem(net, x, [f"{p}conv1.{i}" for i in (0, 3, 6)], norms, (1, 1, 2))
    *_, x3, x4 = stages(net, y, p, 50, 1, (1, 2, 1, 1), (1, 1, 1, 2), (1, 1, 2, 4))
    names = [(f"psp_layer.ppm.{i}.psp/cbr.conv", f"psp_layer.ppm.{i}.psp/cbr.bn") for i in range(4)]
    y = torch.cat([x4, *levels(net, x4, names, 8, True)], 1)
    head(net, x3, "aux_layer.0.conv", "aux_layer.0.bn", "aux_layer.2", 3)
    out = head(net, y, "psp_layer.conv6.0.conv", "psp_layer.conv6.0.bn", "psp_layer.conv6.2", 4)
    return F.interpolate(out, scale_factor=8, mode="bilinear", align_corners=True)


def unlike_torchvision(net, x, stem, part, level, heads, first, bins):
    """A ResNet-50 whose names have nothing of torchvision's. `stem`, `part` and `level` give names of a convolution
    and its batch norm, `heads` those of head and auxiliary head with their classifiers."""
    size, channels = x.shape[2:], (1, 1, 2)

    def unit(y, names, output, kernel, last=False, **how):
        return net.norm(net.conv(y, names[0], output, kernel, **how), names[1], last)

    for i in range(3):
        x = F.relu(unit(x, stem(i), channels[i], 3, stride=2 if i == 0 else 1))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, (count, stride) in enumerate(zip(BLOCKS[50], (1, 2, 1, 1))):
        planes = 2**stage
        for i in range(count):
            s, dilation = (stride, first[stage]) if i == 0 else (1, (1, 1, 2, 4)[stage])
            y = F.relu(unit(x, part(stage, i, 0), planes, 1))
            y = F.relu(unit(y, part(stage, i, 1), planes, 3, stride=s, dilation=dilation))
            y = unit(y, part(stage, i, 2), 4 * planes, 1, last=True)
            x = F.relu(y + (unit(x, part(stage, i, 3), 4 * planes, 1, stride=s) if i == 0 else x))
        middle = x if stage == 2 else None if stage < 2 else middle
    main, auxiliary = heads
    head(net, middle, *auxiliary, 3)
    y = torch.cat([x, *levels(net, x, [level(i) for i in range(4)], 8, True, bins=bins)], 1)
    return enlarge(head(net, y, *main, 4), size, True)


def meetps(net, x):
    two = lambda name: (f"{name}.0", f"{name}.1")
    parts = ("cbr1.cbr_unit", "cbr2.cbr_unit", "cb3.cb_unit", "cb4.cb_unit")
    return unlike_torchvision(
        net, x,
        stem=lambda i: two(f"convbnrelu1_{i + 1}.cbr_unit"),
        part=lambda stage, i, part: two(f"res_block{stage + 2}.layers.{i}.{parts[part]}"),
        level=lambda i: two(f"pyramid_pooling.path_module_list.{i}.cbr_unit"),
        heads=((*two("cbr_final.cbr_unit"), "classification"), (*two("convbnrelu4_aux.cbr_unit"), "aux_cls")),
        first=(1, 1, 2, 4), bins=BINS[::-1])


def ogawa(net, x):
    two = lambda name: (f"{name}.conv", f"{name}.batchnorm")
    groups = ("feature_res_1", "feature_res_2", "feature_dilated_res_1", "feature_dilated_res_2")
    parts = ("cbr_1", "cbr_2", "cb_3", "cb_residual")
    return unlike_torchvision(
        net, x,
        stem=lambda i: two(f"feature_conv.cbnr_{i + 1}"),
        part=lambda stage, i, part: two(f"{groups[stage]}.block{i + 1}.{parts[part]}"),
        level=lambda i: two(f"pyramid_pooling.cbr_{i + 1}"),
        heads=((*two("decode_feature.cbr"), "decode_feature.classification"), (*two("aux.cbr"), "aux.classification")),
        first=(1, 1, 2, 4), bins=BINS[::-1])


def pytorchcv(net, x):
    two = lambda name: (f"{name}.conv", f"{name}.bn")
    parts = ("body.conv1", "body.conv2", "body.conv3", "identity_conv")
    return unlike_torchvision(
        net, x,
        stem=lambda i: two(f"backbone.0.conv{i + 1}"),
        part=lambda stage, i, part: two(f"backbone.{stage + 1}.unit{i + 1}.{parts[part]}"),
        level=lambda i: two(f"pool.branches.branch{i + 2}.conv"),
        heads=((*two("final_block.conv1"), "final_block.conv2"), (*two("aux_block.conv1"), "aux_block.conv2")),
        first=(1, 1, 1, 2), bins=BINS)


BGR = ([value / 255 for value in (123.68, 116.779, 103.939)], [1 / 255] * 3)
ODD, EVEN = (97, 129), (96, 128)
CASES = {
    "semseg": (semseg, ODD, IMAGENET),
    "mmseg-r18": (mmseg_r18, (96, 131), IMAGENET),
    "mmseg-r50b-d32": (mmseg_r50b_d32, (96, 131), IMAGENET),
    "mmseg-mobilenetv2": (mmseg_mobilenet, (96, 131), IMAGENET),
    "csail-r18": (partial(csail_resnet, layers=18, width=4), EVEN, IMAGENET),
    "csail-r50": (partial(csail_resnet, layers=50, width=2), EVEN, IMAGENET),
    "csail-mobilenetv2": (csail_mobilenet, EVEN, IMAGENET),
    "smp-r18": (partial(smp_resnet, layers=18, width=4), EVEN, IMAGENET),
    "smp-r50": (partial(smp_resnet, layers=50, width=2), EVEN, IMAGENET),
    "lextal-r18": (partial(lextal_resnet, layers=18, width=4), EVEN, IMAGENET),
    "lextal-r50": (partial(lextal_resnet, layers=50, width=2), EVEN, IMAGENET),
    "lextal-densenet": (lextal_densenet, EVEN, IMAGENET),
    "lextal-squeezenet": (lextal_squeezenet, EVEN, IMAGENET),
    "bubbliiiing-r50": (bubbliiiing, (97, 130), ((0, 0, 0), (1, 1, 1))),
    "bubbliiiing-mobilenetv2": (bubbliiiing_mobilenet, (97, 130), ((0, 0, 0), (1, 1, 1))),
    "yassouali-r50": (yassouali, (97, 130), IMAGENET),
    "kazuto-r50": (kazuto, ODD, BGR),
    "zijundeng-r50": (zijundeng, (97, 130), IMAGENET),
    "tramac-r50": (tramac, (97, 130), IMAGENET),
    "encoding-r50": (encoding, (97, 130), IMAGENET),
    "torchseg-r50": (torchseg, EVEN, IMAGENET),
    "meetps-r50": (meetps, (97, 130), BGR),
    "ogawa-r50": (ogawa, (97, 130), IMAGENET),
    "pytorchcv-r50": (pytorchcv, (97, 130), IMAGENET),
    "smp-resnext50": (smp_resnext, EVEN, IMAGENET),
    "smp-mobilenetv2": (smp_mobilenet, EVEN, IMAGENET),
    "smp-densenet": (smp_densenet, EVEN, IMAGENET),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    folder = parser.parse_args().out
    for case, (network, size, (mean, std)) in CASES.items():
        net = Checkpoint(case)
        x = torch.from_numpy(planes(photo(*size), mean, std, bgr=mean is BGR[0]))
        with torch.no_grad():
            output = network(net, x).numpy()
        record(folder, case, output, recipes_file(net.grids))


main()
