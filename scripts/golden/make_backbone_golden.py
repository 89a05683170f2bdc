"""Records ImageNet backbones of timm and torchvision, and their features: packages/pspnet/test/backbones.test.ts.

python make_backbone_golden.py --out packages/pspnet/test/golden/families
Needs torch, torchvision, timm, numpy, safetensors; a second. The networks are timm's and torchvision's own, but narrow;
timm's ResNets with a plain stem have torchvision's names.
"""

import argparse

import numpy as np
import torch
from safetensors.torch import save
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn
from torchvision.models import DenseNet, MobileNetV2, SqueezeNet
from torchvision.models.squeezenet import Fire

from narrow import Weights, photo, planes, record

CHANNELS = (2, 4, 8, 16)
SIZE = (97, 129)
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def filled(net, seed):
    """The network with random parameters and batch-norm statistics, in evaluation."""
    weights, state = Weights(seed), net.state_dict()
    for name, tensor in state.items():
        if tensor.ndim == 4:
            array = weights.convolution(*tensor.shape[:3], gain=2.0)
        elif tensor.ndim == 2:
            array = weights.grid(-8, 8, tuple(tensor.shape))
        elif name.endswith("running_var"):
            array = weights.grid(4, 16, tuple(tensor.shape))
        elif name.endswith(".weight"):
            array = weights.grid(3, 6, tuple(tensor.shape))
        elif tensor.ndim == 1:
            array = weights.grid(-4, 8, tuple(tensor.shape))
        else:
            continue
        state[name] = torch.from_numpy(array)
    net.load_state_dict(state)
    return net.eval()


def resnet(seed, block=Bottleneck, layers=(3, 4, 6, 3), **options):
    return filled(ResNet(block, layers, num_classes=3, channels=CHANNELS, **options), seed)


def squeezenet(seed):
    """torchvision's SqueezeNet 1.1, an eighth as wide, that pads its strides as Lextal's PSPNet does."""
    net = SqueezeNet("1_1", num_classes=3)
    for i, layer in enumerate(net.features):
        if isinstance(layer, Fire):
            sizes = (
                layer.inplanes,
                layer.squeeze.out_channels,
                layer.expand1x1.out_channels,
                layer.expand3x3.out_channels,
            )
            net.features[i] = Fire(*(size // 8 for size in sizes))
        if isinstance(layer, nn.MaxPool2d):
            net.features[i] = nn.MaxPool2d(3, 2, padding=1)
    net.features[0] = nn.Conv2d(3, 8, 3, stride=2, padding=1)
    net.classifier[1] = nn.Conv2d(64, 3, 1)
    return filled(net, seed)


def without_last(state):
    """The last convolution before the classifier, which no PSPNet has, is as wide in a narrow network."""
    return {name: tensor for name, tensor in state.items() if name != "features.18.0.weight"}


def official(state):
    """The names of the official release's initmodel/resnet50_v2.pth, of a deep stem by timm."""
    stem = {
        "conv1.0": "conv1",
        "conv1.1": "bn1",
        "conv1.3": "conv2",
        "conv1.4": "bn2",
        "conv1.6": "conv3",
        "bn1": "bn3",
    }

    def renamed(name):
        old = next((old for old in stem if name.startswith(f"{old}.")), "")
        return stem.get(old, "") + name[len(old) :]

    return {renamed(name): tensor for name, tensor in state.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    image = torch.from_numpy(planes(photo(*SIZE), bgr=False, **IMAGENET))

    def case(name, net, rename=dict, features=None):
        with torch.inference_mode():
            features = net.forward_features(image) if features is None else features(image)
        record(out, name, features.numpy(), {".safetensors": save(rename(net.state_dict()))}, step=1)

    case("resnet18", resnet(11, BasicBlock, (2, 2, 2, 2)))
    case("resnet50", resnet(12))
    case("resnet50d", resnet(13, stem_type="deep", stem_width=1, avg_down=True))
    case("resnet50_v2", resnet(14, stem_type="deep", stem_width=1), official)
    dense = filled(DenseNet(growth_rate=2, num_init_features=4, num_classes=3), 15)
    case("densenet121", dense, features=dense.features[:-1])
    mobile = filled(MobileNetV2(num_classes=3, width_mult=0.1), 16)
    case("mobilenet_v2", mobile, without_last, features=mobile.features[:-1])
    squeeze = squeezenet(17)
    case("squeezenet1_1", squeeze, features=squeeze.features)


main()
