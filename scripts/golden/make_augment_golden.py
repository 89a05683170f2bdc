"""Records what OpenCV computes for the augmentations: the yardstick of packages/pspnet/test/dataAugmentGolden.test.ts.

python make_augment_golden.py --out packages/pspnet/test/golden/augment.safetensors
Needs opencv-python-headless 4.10, numpy, safetensors; a second. The calls are those of semseg's util/transform.py.
"""
import argparse

import cv2
import numpy as np
from safetensors.numpy import save_file

WIDTH, HEIGHT = 31, 22
SCALES = (0.5, 0.73, 1.0, 1.37, 2.0)
DEGREES = (-10.0, 3.3, 10.0)
MEAN = [255 * mean for mean in (0.485, 0.456, 0.406)]
IGNORE = 255


def make_input():
    """Smooth colours, since cv2.warpAffine rounds positions to 1/32 pixel, and labels in blocks of 4."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(x / 5 + c) * np.cos(y / (4 + c)) for c in range(3)]
    image = np.rint(127 + 120 * np.stack(waves, axis=2)).astype(np.uint8)
    label = ((x // 4 + 3 * (y // 4)) % 9).astype(np.uint8)
    return image, label


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    image, label = make_input()
    pixels = image.astype(np.float32)
    record = {"image": image, "label": label}
    for scale in SCALES:
        how = dict(fx=scale, fy=scale)
        record[f"scale.{scale}.image"] = cv2.resize(pixels, None, interpolation=cv2.INTER_LINEAR, **how)
        record[f"scale.{scale}.label"] = cv2.resize(label, None, interpolation=cv2.INTER_NEAREST, **how)
    for degrees in DEGREES:
        matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 1)
        border = dict(borderMode=cv2.BORDER_CONSTANT)
        size = (WIDTH, HEIGHT)
        record[f"rotate.{degrees}.image"] = cv2.warpAffine(
            pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=MEAN, **border
        )
        record[f"rotate.{degrees}.label"] = cv2.warpAffine(
            label, matrix, size, flags=cv2.INTER_NEAREST, borderValue=IGNORE, **border
        )
    record["blur.image"] = cv2.GaussianBlur(pixels, (5, 5), 0)
    save_file({name: np.ascontiguousarray(value) for name, value in record.items()}, parser.parse_args().out)


main()
