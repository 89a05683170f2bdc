"""What the goldens of foreign checkpoints share: narrow networks' random weights, a photograph, and what is recorded.

Weights are small multiples of powers of two, so that a compressed checkpoint is a few kilobytes. Where the format of a
checkpoint does not matter its weights are not stored: `Grid` makes them from their names, here and in
packages/pspnet/test/support/madeState.ts alike.
"""

import dataclasses
import gzip
import json
import os

import numpy as np
from safetensors.numpy import save_file

from make_golden import words


class Weights:
    """Random arrays: convolutions that keep the scale of what they see, and batch norms far from the identity."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def grid(self, low, high, shape, unit=1 / 8):
        return (self.random.integers(low, high + 1, shape) * unit).astype(np.float32)

    def convolution(self, output, inputs, kernel, gain=1.0):
        """[output, inputs, kernel, kernel]; `gain` is about what it multiplies its input by."""
        scale = 2.0 ** np.round(np.log2(gain * np.sqrt(3.0 / (inputs * kernel * kernel))))
        return self.grid(-8, 8, (output, inputs, kernel, kernel), scale / 8)

    def vector(self, size):
        return self.grid(-8, 8, size)

    def norm(self, channels, last=False):
        """Scale, shift, mean, variance; of a block's last one the scale is small."""
        scale = self.grid(2, 4, channels) if last else self.grid(6, 12, channels)
        return scale, self.grid(-4, 8, channels), self.grid(-8, 8, channels), self.grid(4, 16, channels)


@dataclasses.dataclass
class Grid:
    """How an array is made: multiples of `unit`, the factors from `low` to `high`."""

    shape: tuple
    low: int
    high: int
    unit: float

    def values(self, name):
        factors = self.low + (words(name, int(np.prod(self.shape))) % np.uint32(self.high - self.low + 1)).astype(int)
        return (factors * self.unit).astype(np.float32).reshape(self.shape)


class Recipes(Weights):
    """The same arrays by how they are made."""

    def __init__(self):
        pass

    def grid(self, low, high, shape, unit=1 / 8):
        return Grid((shape,) if isinstance(shape, int) else tuple(shape), low, high, float(unit))


def recipes_file(grids):
    """{name: Grid} as JSON, of which record makes a file."""
    fields = {name: [grid.shape, grid.low, grid.high, grid.unit] for name, grid in grids.items()}
    return {".weights.json": json.dumps(fields, separators=(",", ":")).encode()}


def photo(height, width):
    """An 8-bit picture of soft colours, [height, width, 3] RGB; test/support/softPhoto.ts makes the same."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((x * x // (3 + c) + y * (5 + 2 * c) + 40 * c) % 256).astype(np.uint8)


def planes(image, mean, std, bgr):
    """(value / 255 - mean) / std, [1, 3, height, width]; `mean` and `std` are RGB."""
    x = (image.astype(np.float64) / 255 - np.array(mean)) / np.array(std)
    x = x.transpose(2, 0, 1)[None]
    return np.ascontiguousarray(x[:, ::-1] if bgr else x).astype(np.float32)


def record(folder, case, output, files, step=7):
    """Every 7th value of [1, c, h, w] a side, and the checkpoint's files, {ending: bytes}."""
    os.makedirs(folder, exist_ok=True)
    sample = np.ascontiguousarray(output[:, :, ::step, ::step])
    save_file({"output": sample}, os.path.join(folder, f"{case}.expected.safetensors"))
    sizes = []
    for ending, content in files.items():
        packed = gzip.compress(content, 9, mtime=0)
        with open(os.path.join(folder, f"{case}{ending}.gz"), "wb") as file:
            file.write(packed)
        sizes.append(f"{ending} {len(packed)} bytes")
    print(case, "largest", round(float(np.abs(sample).max()), 2), "deviation", round(float(sample.std()), 2), *sizes)
