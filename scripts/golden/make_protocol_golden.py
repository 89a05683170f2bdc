"""Records what the protocols of evaluation make of a photograph: the yardstick of packages/pspnet/test/protocols.test.ts.

python make_protocol_golden.py --out packages/pspnet/test/golden/protocols.safetensors
Needs numpy, pillow, opencv-python-headless 4 and safetensors; a second.

Each protocol is stated once more here, on whole images in float64, after the program that it is named for: hszhao/semseg tool/test.py,
hszhao/PSPNet evaluation/*.m, mmsegmentation's encoder_decoder.py and seg_tta.py, CSAILVision's eval.py and dataset.py. The network is a
formula of the pixels and of where they stand in what it is given, `logits` below; the test has the same.
"""
import argparse
import json

import cv2
import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from make_golden import words

CLASSES = 3
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
SIX = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


def photograph(h, w):
    return (words(f"photograph {h} {w}", h * w * 3) >> 24).astype(np.uint8).reshape(h, w, 3)


def logits(x):
    """[h, w, 3], normalised -> [h/8 rounded up, w/8 rounded up, classes]."""
    k = np.arange(CLASSES)
    mix = np.sin(1 + 5 * k[:, None] + 3 * np.arange(3)[None])
    seen = x[::8, ::8]
    i, j = np.arange(seen.shape[0])[:, None, None], np.arange(seen.shape[1])[None, :, None]
    return seen @ mix.T + 0.7 * np.sin(0.9 * i + 1.3 * k) + 0.5 * np.cos(1.1 * j - 0.7 * k)


def linear(source, target, corners):
    """[target, source]: bilinear interpolation along a side."""
    matrix = np.zeros((target, source))
    for i in range(target):
        at = i * (source - 1) / max(target - 1, 1) if corners else min(max((i + 0.5) * source / target - 0.5, 0), source - 1)
        low = int(at)
        matrix[i, low] += 1 - (at - low)
        if low + 1 < source:
            matrix[i, low + 1] += at - low
    return matrix


def resize(maps, size, corners=False):
    return np.einsum("yh,hwc,xw->yxc", linear(maps.shape[0], size[0], corners), maps, linear(maps.shape[1], size[1], corners))


def contributions(source, target):
    """MATLAB's imresize, bilinear with antialiasing, along a side: [target, source]."""
    scale = target / source
    width = 2 if scale >= 1 else 2 / scale
    kernel = (lambda x: np.maximum(0, 1 - np.abs(x))) if scale >= 1 else (lambda x: scale * np.maximum(0, 1 - np.abs(scale * x)))
    u = np.arange(1, target + 1) / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(u - width / 2)
    indices = left[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = kernel(u[:, None] - indices)
    weights /= weights.sum(1, keepdims=True)
    mirrored = np.concatenate([np.arange(source), np.arange(source)[::-1]])
    matrix = np.zeros((target, source))
    for i in range(target):
        np.add.at(matrix[i], mirrored[((indices[i] - 1) % (2 * source)).astype(int)], weights[i])
    return matrix


def imresize(image, size):
    down, across = contributions(image.shape[0], size[0]), contributions(image.shape[1], size[1])
    steps = [lambda a: np.einsum("yh,hwc->ywc", down, a), lambda a: np.einsum("xw,hwc->hxc", across, a)]
    if size[0] / image.shape[0] > size[1] / image.shape[1]:
        steps.reverse()
    for step in steps:
        image = np.floor(step(image.astype(float)) + 0.5 + 1e-9).astype(np.uint8) if image.dtype == np.uint8 else step(image)
    return image


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normalise(image):
    return (image / 255 - MEAN) / STD


def windows(length, crop, stride):
    return [min(i * stride, length - crop) for i in range(int(np.ceil((length - crop) / stride)) + 1)]


def semseg(image, scales, base, crop):
    h, w, _ = image.shape
    total = 0
    for scale in scales:
        long = round(scale * base)
        new_h, new_w = (long, round(long / h * w)) if h > w else (round(long / w * h), long)
        x = resize(normalise(image), (new_h, new_w))
        pad_h, pad_w = max(crop - new_h, 0), max(crop - new_w, 0)
        top, left = pad_h // 2, pad_w // 2
        x = np.pad(x, ((top, pad_h - top), (left, pad_w - left), (0, 0)))
        total_crop, count = np.zeros((*x.shape[:2], CLASSES)), np.zeros((*x.shape[:2], 1))
        stride = int(np.ceil(crop * 2 / 3))
        for y in windows(x.shape[0], crop, stride):
            for v in windows(x.shape[1], crop, stride):
                part = x[y : y + crop, v : v + crop]
                plain = softmax(resize(logits(part), (crop, crop), True))
                mirror = softmax(resize(logits(part[:, ::-1]), (crop, crop), True))[:, ::-1]
                total_crop[y : y + crop, v : v + crop] += (plain + mirror) / 2
                count[y : y + crop, v : v + crop] += 1
        total = total + resize((total_crop / count)[top : top + new_h, left : left + new_w], (h, w))
    return total / len(scales)


def caffe(image, scales, base, crop):
    h, w, _ = image.shape
    total = 0
    for scale in scales:
        long = int(base * scale + 1)
        other = lambda side, by: int(np.floor(np.float32(np.float32(long) / np.float32(by)) * np.float32(side) + np.float32(0.5)))
        new_h, new_w = (long, other(w, h)) if h > w else (other(h, w), long)
        x = normalise(imresize(image, (new_h, new_w)))
        x = np.pad(x, ((0, max(crop - new_h, 0)), (0, max(crop - new_w, 0)), (0, 0)))
        total_crop, count = np.zeros((*x.shape[:2], CLASSES)), np.zeros((*x.shape[:2], 1))
        stride = int(np.ceil(crop * 2 / 3))
        for y in windows(x.shape[0], crop, stride):
            for v in windows(x.shape[1], crop, stride):
                part = x[y : y + crop, v : v + crop]
                both = resize(logits(part), (crop, crop), True) + resize(logits(part[:, ::-1]), (crop, crop), True)[:, ::-1]
                total_crop[y : y + crop, v : v + crop] += softmax(both)
                count[y : y + crop, v : v + crop] += 1
        score = imresize((total_crop / count)[:new_h, :new_w], (h, w))
        total = total + score / score.sum(-1, keepdims=True)
    return total / len(scales)


def mmseg(image, scales, base, crop, flip, corners):
    h, w, _ = image.shape
    total = 0
    for scale in scales:
        box = [int(side * scale) for side in base]
        factor = min(max(box) / max(h, w), min(box) / min(h, w))
        new_h, new_w = int(h * factor + 0.5), int(w * factor + 0.5)
        x = normalise(cv2.resize(image, (new_w, new_h), interpolation=cv2.INTER_LINEAR))
        for mirrored in (False, True) if flip else (False,):
            seen = x[:, ::-1] if mirrored else x
            if crop is None:
                made = resize(logits(seen), (new_h, new_w), corners)
            else:
                stride = round(crop * 2 / 3)
                made, count = np.zeros((new_h, new_w, CLASSES)), np.zeros((new_h, new_w, 1))
                rows = max(new_h - crop + stride - 1, 0) // stride + 1
                columns = max(new_w - crop + stride - 1, 0) // stride + 1
                for row in range(rows):
                    for column in range(columns):
                        bottom, right = min(row * stride + crop, new_h), min(column * stride + crop, new_w)
                        y, v = max(bottom - crop, 0), max(right - crop, 0)
                        part = seen[y:bottom, v:right]
                        made[y:bottom, v:right] += resize(logits(part), part.shape[:2], corners)
                        count[y:bottom, v:right] += 1
                made /= count
            made = made[:, ::-1] if mirrored else made
            total = total + softmax(resize(made, (h, w), corners))
    return total / len(scales) / (2 if flip else 1)


def csail(image, sizes, most):
    h, w, _ = image.shape
    total = 0
    for short in sizes:
        scale = min(short / min(h, w), most / max(h, w))
        new_h, new_w = [((int(side * scale) - 1) // 8 + 1) * 8 for side in (h, w)]
        x = normalise(np.asarray(Image.fromarray(image).resize((new_w, new_h), Image.BILINEAR)))
        total = total + softmax(resize(logits(x), (h, w))) / len(sizes)
    return total


# How the test names each: the protocol, what is said of it, and the size of the photograph; how the network enlarges its logits.
CORNERS, ANY, ANY_CORNERS, EIGHTS = (True, "8n+1"), (False, "any"), (True, "any"), (False, "8n")
CASES = [
    (semseg, dict(protocol="semseg", scales=[1.0], baseSize=40, crop=33), (23, 37), CORNERS, ([1.0], 40, 33)),
    (semseg, dict(protocol="semseg", scales=SIX, baseSize=48, crop=25), (37, 23), CORNERS, (SIX, 48, 25)),
    (caffe, dict(protocol="caffe", scales=[1.0], baseSize=32, crop=33), (23, 37), CORNERS, ([1.0], 32, 33)),
    (caffe, dict(protocol="caffe", scales=SIX, baseSize=48, crop=25), (37, 23), CORNERS, (SIX, 48, 25)),
    (mmseg, dict(protocol="mmseg", baseSize=[64, 30]), (23, 37), ANY, ([1.0], (64, 30), None, False, False)),
    (mmseg, dict(protocol="mmseg", baseSize=[64, 30], scales=SIX, flip=True), (37, 23), ANY, (SIX, (64, 30), None, True, False)),
    (mmseg, dict(protocol="mmseg-slide", baseSize=[48, 40], crop=25), (23, 37), ANY_CORNERS, ([1.0], (48, 40), 25, False, True)),
    (mmseg, dict(protocol="mmseg-slide", baseSize=[48, 40], crop=26, scales=SIX), (37, 23), ANY, (SIX, (48, 40), 26, False, False)),
    (csail, dict(protocol="csail", baseSize=[60, 20]), (23, 37), EIGHTS, ([20, 25, 30, 35, 40], 60)),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    tensors, cases = {}, []
    for i, (protocol, choice, size, (corners, sides), arguments) in enumerate(CASES):
        made = protocol(photograph(*size), *arguments).transpose(2, 0, 1)
        tensors[str(i)] = np.ascontiguousarray(made, np.float32)
        cases.append(dict(choice=choice, size=size, upsampling=dict(alignCorners=corners, sizes=sides)))
    save_file(tensors, parser.parse_args().out, {"cases": json.dumps(cases), "opencv": cv2.__version__})


if __name__ == "__main__":
    main()
