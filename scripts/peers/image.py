"""Seconds from a normalised image to labels of PSPNet-50, in PyTorch or in a runtime that one might take instead.

python image.py --engine pytorch|compile|onnxruntime|openvino [--dtype bf16] [--device cuda] [--size 473] [--runs 5]
python image.py --engine product            # of two 4096x4096 matrices in PyTorch
"""

import os
import sys
import tempfile

import torch
from pspnet import PSPNet
from turns import arguments, take_turns, tell

parser = arguments(__doc__)
parser.add_argument(
    "--engine", choices=["pytorch", "compile", "onnxruntime", "openvino", "product"], default="pytorch"
)
parser.add_argument("--layers", type=int, default=50)
parser.add_argument("--classes", type=int, default=150)
parser.add_argument("--size", type=int, default=473)
options = parser.parse_args()
dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
torch.manual_seed(0)
image = torch.randn(1, 3, options.size, options.size)


def network():
    return PSPNet(options.layers, options.classes).eval()


def in_pytorch():
    """The network and the image as PyTorch is fastest with them."""
    layout = dict(memory_format=torch.channels_last)
    return network().to(options.device, dtype, **layout), image.to(options.device, dtype).contiguous(**layout)


def exported(folder):
    file = os.path.join(folder, "plain.onnx")
    torch.onnx.export(network(), (image,), file, opset_version=18, dynamo=False)
    return file


def pytorch(_):
    net, x = in_pytorch()
    return torch.__version__, lambda: net(x).argmax(1).cpu()


def compile(_):
    import torch._inductor.config as inductor

    inductor.freezing = True
    net, x = in_pytorch()
    compiled = torch.compile(lambda x: net(x).argmax(1))
    return torch.__version__, lambda: compiled(x).cpu()


def onnxruntime(folder):
    import onnxruntime as ort

    session_options = ort.SessionOptions()
    session_options.intra_op_num_threads = torch.get_num_threads()
    session = ort.InferenceSession(exported(folder), session_options, providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: image.numpy()}
    return ort.__version__, lambda: session.run(None, feeds)[0].argmax(1)


def openvino(folder):
    import openvino as ov

    how = {
        "INFERENCE_PRECISION_HINT": "bf16" if options.dtype == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = ov.Core().compile_model(exported(folder), "CPU", how).create_infer_request()
    return ov.__version__, lambda: request.infer([image.numpy()])[0].argmax(1)


def product(_):
    matrix = torch.randn(4096, 4096).to(dtype)
    return torch.__version__, lambda: matrix @ matrix


with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
    try:
        version, run = globals()[options.engine](folder)
    except ImportError as missing:
        tell(skipped=str(missing))
        sys.exit()
    macs = {"macs": 4096**3} if options.engine == "product" else {}
    take_turns(run, options, engine=options.engine, version=version, threads=torch.get_num_threads(), **macs)
