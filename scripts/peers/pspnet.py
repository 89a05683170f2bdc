"""PSPNet written plainly in PyTorch: the yardstick of parity (scripts/golden) and of speed (scripts/bench).

The official release's network and its names of parameters: https://github.com/hszhao/semseg, model/pspnet.py.
Needs torch alone.
"""

import torch
import torch.nn.functional as F
from torch import nn

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def conv_bn(inputs, outputs, kernel, stride=1, dilation=1):
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return conv, nn.BatchNorm2d(outputs)


class Block(nn.Module):
    """A residual block; `expansion` is how many times the channels of its middle come out."""

    def __init__(self, inputs, planes, stride, dilation, stride_in):
        super().__init__()
        self.add_convolutions(inputs, planes, stride, dilation, stride_in)
        outputs = planes * self.expansion
        projected = stride > 1 or inputs != outputs
        self.downsample = nn.Sequential(*conv_bn(inputs, outputs, 1, stride)) if projected else None

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.convolutions(x) + shortcut)


class BasicBlock(Block):
    expansion = 1

    def add_convolutions(self, inputs, planes, stride, dilation, _):
        self.conv1, self.bn1 = conv_bn(inputs, planes, 3, stride, dilation)
        self.conv2, self.bn2 = conv_bn(planes, planes, 3, dilation=dilation)

    def convolutions(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))


class Bottleneck(Block):
    expansion = 4

    def add_convolutions(self, inputs, planes, stride, dilation, stride_in):
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        self.conv1, self.bn1 = conv_bn(inputs, planes, 1, first)
        self.conv2, self.bn2 = conv_bn(planes, planes, 3, second, dilation)
        self.conv3, self.bn3 = conv_bn(planes, 4 * planes, 1)

    def convolutions(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return self.bn3(self.conv3(y))


def stage(block, inputs, planes, count, stride, dilation, stride_in):
    outputs = planes * block.expansion
    first = block(inputs, planes, stride, dilation, stride_in)
    others = (block(outputs, planes, 1, dilation, stride_in) for _ in range(count - 1))
    return nn.Sequential(first, *others)


def stem_of(kind, ceil_pool, width):
    relu = lambda: nn.ReLU(inplace=True)
    pool = nn.MaxPool2d(3, 2, padding=0, ceil_mode=True) if ceil_pool else nn.MaxPool2d(3, 2, padding=1)
    if kind == "plain":
        return nn.Sequential(*conv_bn(3, width, 7, 2), relu(), pool), width
    first, second, third = conv_bn(3, width, 3, 2), conv_bn(width, width, 3), conv_bn(width, 2 * width, 3)
    return nn.Sequential(*first, relu(), *second, relu(), *third, relu(), pool), 2 * width


def classifier(inputs, channels, classes):
    return nn.Sequential(
        *conv_bn(inputs, channels, 3), nn.ReLU(inplace=True), nn.Dropout2d(0.1), nn.Conv2d(channels, classes, 1)
    )


def enlarge(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=True)


class PPM(nn.Module):
    """[n, c, h, w] to [n, 2c, h, w]: the features, and their means over grids of `bins` cells a side."""

    def __init__(self, channels, bins):
        super().__init__()
        reduced = channels // len(bins)
        self.features = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bin), *conv_bn(channels, reduced, 1), nn.ReLU(inplace=True))
            for bin in bins
        )

    def forward(self, x):
        return torch.cat([x, *(enlarge(level(x), x.shape[2:]) for level in self.features)], 1)


class PSPNet(nn.Module):
    """Images [n, 3, h, w] to logits [n, classes, h, w]; in training the auxiliary head's as well.

    `width` is the first stage's channels, of which all others are multiples: 64 in the official release.
    """

    def __init__(self, layers=50, classes=150, stem="deep", stride_in="3x3", ceil_pool=False, bins=(1, 2, 3, 6), width=64):
        super().__init__()
        block = Bottleneck if layers >= 50 else BasicBlock
        self.layer0, channels = stem_of(stem, ceil_pool, width)
        for i, (count, stride, dilation) in enumerate(zip(BLOCKS[layers], (1, 2, 1, 1), (1, 1, 2, 4))):
            planes = width * 2**i
            setattr(self, f"layer{i + 1}", stage(block, channels, planes, count, stride, dilation, stride_in))
            channels = planes * block.expansion
        self.ppm = PPM(channels, bins)
        self.cls = classifier(2 * channels, 8 * width, classes)
        self.aux = classifier(channels // 2, 4 * width, classes)
        backbone = (self.layer0, self.layer1, self.layer2, self.layer3, self.layer4)
        for conv in (m for part in backbone for m in part.modules() if isinstance(m, nn.Conv2d)):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        size = x.shape[2:]
        middle = self.layer3(self.layer2(self.layer1(self.layer0(x))))
        logits = enlarge(self.cls(self.ppm(self.layer4(middle))), size)
        return (logits, enlarge(self.aux(middle), size)) if self.training else logits
