"""Records NIfTI volumes for packages/pspnet/test/prepareMore.test.ts.

    pip install nibabel
    python scripts/golden/make_nifti.py packages/pspnet/test/golden/nifti
"""

import pathlib
import sys

import nibabel
import numpy

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)

# x, y, z of sizes that cannot be mistaken for each other; value = x + 10 y + 100 z.
x, y, z = numpy.meshgrid(range(4), range(3), range(2), indexing="ij")
values = x + 10 * y + 100 * z
nibabel.Nifti1Image(values.astype(numpy.int16), numpy.eye(4)).to_filename(out / "int16.nii.gz")
nibabel.Nifti1Image(values.astype(numpy.float32), numpy.eye(4)).to_filename(out / "float32.nii")
scaled = nibabel.Nifti1Image(values.astype(numpy.float64) / 2 - 3, numpy.eye(4))
scaled.header.set_data_dtype(numpy.uint8)
scaled.to_filename(out / "scaled.nii.gz")
big = nibabel.Nifti1Image(values.astype(">u2"), numpy.eye(4), nibabel.Nifti1Header(endianness=">"))
big.to_filename(out / "big-endian.nii.gz")
