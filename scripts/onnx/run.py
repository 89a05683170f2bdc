"""Runs an exported model in Python's onnxruntime or in OpenVINO, for checkLabels.mjs.

    pip install onnxruntime openvino numpy
    python3 scripts/onnx/run.py onnxruntime|openvino model.onnx photographs.raw NxHxW folder

The model takes photographs, uint8 [n, h, w, 3]. Each of its outputs is written to folder/<name>.npy, as float32.
"""

import pathlib
import sys

import numpy as np


def in_onnxruntime(model, image):
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": image})))


def in_openvino(model, image):
    import openvino

    # Else it computes in bfloat16 where the processor has it.
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled({"image": image})
    return {output.get_any_name(): found[output] for output in compiled.outputs}


runtime, model, photographs, size, folder = sys.argv[1:]
image = np.fromfile(photographs, np.uint8).reshape([int(side) for side in size.split("x")] + [3])
run = {"onnxruntime": in_onnxruntime, "openvino": in_openvino}[runtime]
for name, value in run(model, image).items():
    np.save(pathlib.Path(folder) / f"{name}.npy", value.astype("<f4", order="C"))
