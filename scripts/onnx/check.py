"""Runs the ONNX project's own checker on files and lists their operators.

    pip install onnx
    python3 scripts/onnx/check.py model.onnx [more.onnx ...]

Prints a line of JSON a file. Fails when the checker does, when shapes cannot be inferred, or when a file has an operator whose
result differs between runtimes (Resize, Upsample, adaptive pooling) or that runs a graph inside the graph (Loop, If, Scan).
"""

import collections
import json
import sys

import onnx

REFUSED = {"Resize", "Upsample", "AdaptiveAvgPool", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "Loop", "If", "Scan"}


def sizes(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def look_over(path):
    # By path, so that weights in a file of their own are found.
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    operators = collections.Counter(node.op_type for node in model.graph.node)
    refused = sorted(REFUSED & operators.keys())
    if refused:
        raise ValueError("expected operators that every runtime has, found " + ", ".join(refused))
    return {
        "file": path,
        "opset": {entry.domain: entry.version for entry in model.opset_import},
        "inputs": {value.name: sizes(value) for value in model.graph.input},
        "outputs": {value.name: sizes(value) for value in model.graph.output},
        "metadata": sorted(entry.key for entry in model.metadata_props),
        "operators": dict(sorted(operators.items())),
    }


failed = False
for path in sys.argv[1:]:
    try:
        print(json.dumps(look_over(path)))
    except Exception as error:  # The checker, shape inference and the reader each have errors of their own.
        failed = True
        print(f"{path}: {error}", file=sys.stderr)
sys.exit(1 if failed or len(sys.argv) < 2 else 0)
