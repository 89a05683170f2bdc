"""PSPNet as PyTorch exports it when it is told nothing: one size, concatenation, Resize and ArgMax in the graph. For wasm.ts.

python3 plain_export.py --reference scripts/peers/pspnet.py [--layers 50] [--size 473] --out plain50.onnx
Needs torch and onnx.
"""
import argparse
import importlib.util

import torch

p = argparse.ArgumentParser()
p.add_argument("--reference", required=True)
p.add_argument("--layers", type=int, default=50)
p.add_argument("--size", type=int, default=473)
p.add_argument("--out", required=True)
a = p.parse_args()
spec = importlib.util.spec_from_file_location("reference", a.reference)
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)


class Labels(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).argmax(1)


torch.manual_seed(0)
net = Labels(reference.PSPNet(a.layers, 150)).eval()
torch.onnx.export(net, (torch.randn(1, 3, a.size, a.size),), a.out, opset_version=18, dynamo=False)
