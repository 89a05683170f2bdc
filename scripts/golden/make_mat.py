"""Records MATLAB files as SBD and Pascal Context keep their labels, for packages/pspnet/test/prepare.test.ts.

    pip install numpy scipy
    python scripts/golden/make_mat.py packages/pspnet/test/golden/mat
"""

import pathlib
import sys

import numpy
import scipy.io
import scipy.sparse

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)

# 3 rows, 4 columns: rows and columns cannot be mistaken for each other.
labels = numpy.array([[0, 0, 15, 15], [0, 8, 8, 15], [20, 20, 8, 0]], numpy.uint8)

boundaries = numpy.empty((20, 1), object)
for i in range(20):
    boundaries[i, 0] = scipy.sparse.csc_matrix((labels == i + 1).astype(float))
categories = numpy.array([[8], [15], [20]], numpy.uint8)
classes = {"Boundaries": boundaries, "Segmentation": labels, "CategoriesPresent": categories}
for name, compressed in (("sbd", True), ("sbd-plain", False)):
    scipy.io.savemat(out / f"{name}.mat", {"GTcls": classes}, do_compression=compressed)

context = numpy.array([[2, 2, 9, 284], [2, 9, 9, 284], [459, 459, 1, 1]], numpy.uint16)
scipy.io.savemat(out / "context.mat", {"LabelMap": context}, do_compression=True)
scipy.io.savemat(out / "double.mat", {"other": 1, "LabelMap": context.astype(float)}, do_compression=True)
