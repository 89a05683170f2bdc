"""Records ImageNet backbones of timm and torchvision, and their features: packages/pspnet/test/backbones.test.ts.

python make_backbone_golden.py --out packages/pspnet/test/golden/families
Needs torch, torchvision, timm, numpy, safetensors; a second. The networks are timm's and torchvision's own, but narrow;
timm's ResNets with a plain stem have torchvision's names.
"""

import argparse

import numpy as np
import torch
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn
from torchvision.models import DenseNet, MobileNetV2, SqueezeNet
from torchvision.models.squeezenet import Fire

from narrow import Recipes, photo, planes, recipes_file, record

CHANNELS = (2, 4, 8, 16)
SIZE = (97, 129)
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


WEIGHTS = Recipes()


def recipe(name, shape):
    if len(shape) == 4:
        return WEIGHTS.convolution(*shape[:3], gain=2.0)
    if len(shape) == 2:
        return WEIGHTS.grid(-8, 8, shape)
    if name.endswith("running_var"):
        return WEIGHTS.grid(4, 16, shape)
    return WEIGHTS.grid(3, 6, shape) if name.endswith(".weight") else WEIGHTS.grid(-4, 8, shape)


def fill(net, case, rename):
    """Gives the network random parameters and batch-norm statistics, and says how they are made, by their names in files."""
    state = net.state_dict()
    found = {}
    for name, own in rename({own: own for own, tensor in state.items() if tensor.ndim > 0}).items():
        found[name] = recipe(own, state[own].shape)
        state[own] = torch.from_numpy(found[name].values(f"{case} {name}"))
    net.load_state_dict(state)
    return found


def resnet(block=Bottleneck, layers=(3, 4, 6, 3), **options):
    return ResNet(block, layers, num_classes=3, channels=CHANNELS, **options)


def squeezenet():
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
    return net


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
        recipes = fill(net.eval(), name, rename)
        with torch.inference_mode():
            found = net.forward_features(image) if features is None else features(image)
        record(out, name, found.numpy(), recipes_file(recipes), step=1)

    case("resnet18", resnet(BasicBlock, (2, 2, 2, 2)))
    case("resnet50", resnet())
    case("resnet50d", resnet(stem_type="deep", stem_width=1, avg_down=True))
    case("resnet50_v2", resnet(stem_type="deep", stem_width=1), official)
    dense = DenseNet(growth_rate=2, num_init_features=4, num_classes=3)
    case("densenet121", dense, features=dense.features[:-1])
    mobile = MobileNetV2(num_classes=3, width_mult=0.1)
    case("mobilenet_v2", mobile, without_last, features=mobile.features[:-1])
    squeeze = squeezenet()
    case("squeezenet1_1", squeeze, features=squeeze.features)


main()
