"""What the checkpoints of make_*checkpoints.py hold: {file: {tensor: [dtype, shape, values]}}."""
import json

import numpy as np

EXPECTED = {}


def values(*shape, seed=0):
    """Multiples of 1/8 that halves hold exactly."""
    count = int(np.prod(shape))
    return (((np.arange(count) * 7 + seed) % 33 - 16) / 8).astype(np.float32).reshape(shape)


def expect(file, tensors):
    EXPECTED[file] = {
        name: [dtype, list(array.shape), np.asarray(array, dtype=np.float64).ravel().tolist()]
        for name, (dtype, array) in tensors.items()
    }


def write_expected(path):
    with open(path, "w") as file:
        json.dump(EXPECTED, file, separators=(",", ":"))
        file.write("\n")
