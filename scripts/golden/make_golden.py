"""Records what PyTorch computes for the reference PSPNet: the yardstick of packages/pspnet/test/parity.test.ts.

python make_golden.py --reference scripts/peers/pspnet.py --out packages/pspnet/test/golden
Needs torch 2.15, numpy, safetensors; about 3 minutes on 2 cores.

Weights, images and labels are not stored: `value` makes them from their names, here and in
packages/pspnet/test/support/reproducible.ts alike.
"""
import argparse
import importlib.util
import json
import os
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

BATCH, SIDE, SAMPLES, PROJECTIONS, STEPS, LR = 4, 97, 16, 4, 20, 1e-4
SMALL, LARGE = [(97, 97), (129, 161)], [(97, 97), (129, 161), (225, 289)]
CASES = {
    "r18-deep": (dict(layers=18, classes=5, stem="deep"), LARGE),
    "r18-plain": (dict(layers=18, classes=6, stem="plain"), SMALL),
    "r50-deep": (dict(layers=50, classes=7, stem="deep"), LARGE),
    "r50-plain": (dict(layers=50, classes=5, stem="plain", stride_in="1x1", ceil_pool=True), SMALL),
}


def words(name, count):
    """`count` pseudo-random 32-bit words: FNV-1a of the name, Weyl steps, murmur3's finaliser."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(seed)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


def uniform(name, count):
    """Numbers in [-1, 1), float64."""
    return words(name, count) / 2.0**31 - 1.0


def value(name, shape, bottleneck):
    """A parameter or buffer whose scale keeps activations near 1 through any depth.

    Biases hold each channel well above zero, every fifth well below: a ReLU input near zero would flip with the last bits of
    float32, and one flip moves a gradient by more than the tolerance, on either side. `float64_gradients` looks how near any
    came. None may be on or off everywhere, though: a bias before another batch norm would have no gradient.
    """
    u = uniform(name, int(np.prod(shape)))
    last = name.startswith("layer") and (".bn3." if bottleneck else ".bn2.") in name
    weight, bias = (0.2, 0.6) if last else (0.5, 1.8)
    if len(shape) == 4:
        u = np.sqrt(3.0 / (shape[1] * shape[2] * shape[3])) * u
    elif name.endswith("running_var"):
        u = 1.0 + 0.2 * u
    elif name.endswith("running_mean") or name in ("cls.4.bias", "aux.4.bias"):
        u = 0.1 * u
    elif name.endswith("weight"):
        u = weight * (1.0 + 0.25 * u)
    else:
        u = np.where(np.arange(u.size) % 5 == 2, -1.0, 1.0) * bias * (1.0 + 0.2 * u)
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


def fill(net, layers):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(value(name, tuple(tensor.shape), layers >= 50))
    net.cls[3].p = net.aux[3].p = 0.0
    return net


def image(n, h, w):
    """Noise around a colour of each image's own, so that the means over whole images differ."""
    noise = 0.8 * uniform(f"image {n}x{h}x{w}", n * 3 * h * w).reshape(n, 3, h, w)
    return torch.from_numpy((noise + uniform(f"colour {n}x{h}x{w}", n * 3).reshape(n, 3, 1, 1)).astype(np.float32))


def labels(n, h, w, classes):
    """Blocks of 8 x 8 pixels, one in classes + 1 of them ignored."""
    rows, columns = -(-h // 8), -(-w // 8)
    ids = (words(f"labels {n}x{h}x{w}", n * rows * columns) % np.uint32(classes + 1)).reshape(n, rows, columns)
    ids = np.where(ids == classes, 255, ids).repeat(8, 1).repeat(8, 2)[:, :h, :w]
    return torch.from_numpy(ids.astype(np.int64))


def features(net, x):
    return net.cls(net.ppm(net.layer4(net.layer3(net.layer2(net.layer1(net.layer0(x)))))))


def loss(net, x, y):
    out, aux = net(x)
    main, auxiliary = (F.cross_entropy(t, y, ignore_index=255) for t in (out, aux))
    return main, auxiliary, main + 0.4 * auxiliary


def evaluate(net, sizes, with_full):
    net.eval()
    found = {}
    with torch.inference_mode():
        for h, w in sizes:
            found[f"logits.{h}x{w}"] = features(net, image(1, h, w))
        if with_full:
            found[f"full.{SIDE}x{SIDE}"] = net(image(1, SIDE, SIDE))
    return found


def gradients(net, classes):
    """Losses, batch-norm statistics after one training forward, and what is kept of each gradient."""
    net.train()
    main, auxiliary, total = loss(net, image(BATCH, SIDE, SIDE), labels(BATCH, SIDE, SIDE, classes))
    total.backward()
    found = {"train.losses": torch.stack([main, auxiliary]).detach()}
    norms, samples, projections = [], [], []
    for name, parameter in net.named_parameters():
        g = parameter.grad.flatten().double().numpy()
        norms.append(np.linalg.norm(g))
        samples.append(g[words(f"{name} samples", SAMPLES) % np.uint32(g.size)])
        projections.append([g @ uniform(f"{name} projection {k}", g.size) for k in range(PROJECTIONS)])
    found["gradient.norms"] = torch.tensor(np.array(norms))
    found["gradient.samples"] = torch.tensor(np.array(samples))
    found["gradient.projections"] = torch.tensor(np.array(projections))
    for name, buffer in net.named_buffers():
        if not name.endswith("num_batches_tracked"):
            found[f"statistics.{name}"] = buffer.clone()
    return found


def descent(net, classes):
    net.train()
    groups = [dict(params=[], lr=LR), dict(params=[], lr=10 * LR)]
    for name, parameter in net.named_parameters():
        groups[name.split(".")[0] in ("ppm", "cls", "aux")]["params"].append(parameter)
    optimiser = torch.optim.SGD(groups, lr=LR, momentum=0.9, weight_decay=1e-4)
    x, y = image(BATCH, SIDE, SIDE), labels(BATCH, SIDE, SIDE, classes)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        total = loss(net, x, y)[2]
        total.backward()
        optimiser.step()
        losses.append(total.item())
    return torch.tensor(losses, dtype=torch.float64)


PHOTO, CROP, BASE, SCALES = (60, 80), 65, 80, (0.75, 1.25)
MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) * 255 for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def photo(h, w):
    """An 8-bit picture, [1, 3, h, w]."""
    return torch.from_numpy((words(f"photo {h}x{w}", 3 * h * w) >> np.uint32(24)).astype(np.float32).reshape(1, h, w, 3)).permute(0, 3, 1, 2)


def protocol(net):
    """Class probabilities by the official release's tool/test.py: scales, mean padding, windows of stride 2/3, flip.

    cv2.resize with INTER_LINEAR on float32 is bilinear at half-pixel centres without smoothing, as F.interpolate does it.
    """
    net.eval()
    h, w = PHOTO
    picture, total = photo(h, w), 0
    resize = lambda t, size: F.interpolate(t, size, mode="bilinear", align_corners=False)
    for scale in SCALES:
        long = round(scale * BASE)
        size = (round(long / w * h), long) if w >= h else (long, round(long / h * w))
        scaled = resize(picture, size)
        pad_h, pad_w = max(CROP - size[0], 0), max(CROP - size[1], 0)
        top, left = pad_h // 2, pad_w // 2
        padded = MEAN.expand(1, 3, size[0] + pad_h, size[1] + pad_w).clone()
        padded[:, :, top:top + size[0], left:left + size[1]] = scaled
        stride = int(np.ceil(CROP * 2 / 3))
        starts = [[min(i * stride, n - CROP) for i in range(int(np.ceil((n - CROP) / stride)) + 1)] for n in padded.shape[2:]]
        shape = padded.shape[2:]
        probabilities, count = torch.zeros(1, net.cls[4].out_channels, *shape), torch.zeros(shape)
        for y in starts[0]:
            for x in starts[1]:
                window = (padded[:, :, y:y + CROP, x:x + CROP] - MEAN) / STD
                with torch.inference_mode():
                    both = net(torch.cat([window, window.flip(3)])).softmax(1)
                probabilities[:, :, y:y + CROP, x:x + CROP] += (both[:1] + both[1:].flip(3)) / 2
                count[y:y + CROP, x:x + CROP] += 1
        probabilities = (probabilities / count)[:, :, top:top + size[0], left:left + size[1]]
        total = total + resize(probabilities, (h, w)) / len(SCALES)
    return total[0]


def float64_gradients(fresh, classes):
    """Every parameter's gradient in float64, and how near to zero an input of a ReLU came."""
    double, nearest, relu = fresh().double().train(), [], F.relu

    def watched(x, inplace=False):
        nearest.append(x.detach().abs().min().item())
        return relu(x)

    with mock.patch.object(F, "relu", watched):
        loss(double, image(BATCH, SIDE, SIDE).double(), labels(BATCH, SIDE, SIDE, classes))[2].backward()
    return [p.grad for p in double.parameters()], min(nearest)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--reference", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--only", choices=list(CASES))
    a = arguments.parse_args()
    spec = importlib.util.spec_from_file_location("pspnet_reference", a.reference)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    os.makedirs(a.out, exist_ok=True)
    for case, (config, sizes) in CASES.items():
        if a.only and case != a.only:
            continue
        fresh = lambda: fill(reference.PSPNet(**config), config["layers"])
        net = fresh()
        found = evaluate(net, sizes, case == "r18-deep") | gradients(net, config["classes"])
        if case == "r18-deep":
            found["descent.losses"] = descent(fresh(), config["classes"])
        if case == "r18-plain":
            found["protocol.probabilities"] = protocol(fresh())
        metadata = dict(torch=torch.__version__, config=json.dumps(config),
                        parameters=json.dumps([name for name, _ in net.named_parameters()]))
        save_file({k: v.contiguous().numpy() for k, v in found.items()}, os.path.join(a.out, f"{case}.safetensors"), metadata)
        exact, nearest = float64_gradients(fresh, config["classes"])
        assert nearest > 8e-6, f"{case}: an input of a ReLU is {nearest:.1e}, which float32 (within 2e-6) may take to the other side of zero"
        noise = max(((p.grad - g).norm() / g.norm()).item() for p, g in zip(net.parameters(), exact))
        scale = {k: round(v.abs().max().item(), 2) for k, v in found.items() if k.startswith("logits")}
        print(case, "losses", found["train.losses"].tolist(), "largest", scale,
              "float32 noise in gradients", f"{noise:.1e}", "nearest input of a ReLU to zero", f"{nearest:.1e}", flush=True)
        if "descent.losses" in found:
            print(case, "descent", [round(v, 4) for v in found["descent.losses"].tolist()], flush=True)


if __name__ == "__main__":
    main()
