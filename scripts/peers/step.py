"""Seconds of a training step of PSPNet on random data: forward, both losses, backward, fused SGD.

python step.py [--layers 50] [--classes 150] [--size 473] [--batch 2] [--dtype bf16] [--device cuda] [--runs 5]
"""

import torch
import torch.nn.functional as F
from pspnet import PSPNet
from turns import arguments, take_turns

parser = arguments(__doc__)
parser.add_argument("--layers", type=int, default=50)
parser.add_argument("--classes", type=int, default=150)
parser.add_argument("--size", type=int, default=473)
parser.add_argument("--batch", type=int, default=2)
options = parser.parse_args()
LR, MOMENTUM, DECAY, AUX = 0.01, 0.9, 1e-4, 0.4

torch.manual_seed(0)
net = PSPNet(options.layers, options.classes).to(options.device, memory_format=torch.channels_last).train()
shape = (options.batch, options.size, options.size)
images = torch.randn(shape[0], 3, *shape[1:]).contiguous(memory_format=torch.channels_last).to(options.device)
labels = torch.randint(0, options.classes, shape).to(options.device)
parameters = list(net.parameters())
momenta = [torch.zeros_like(parameter) for parameter in parameters]


def step():
    with torch.autocast(options.device, torch.bfloat16, enabled=options.dtype == "bf16"):
        main, auxiliary = net(images)
    loss = F.cross_entropy(main.float(), labels, ignore_index=255)
    loss = loss + AUX * F.cross_entropy(auxiliary.float(), labels, ignore_index=255)
    loss.backward()
    with torch.no_grad():
        gradients = [parameter.grad for parameter in parameters]
        torch._foreach_add_(gradients, parameters, alpha=DECAY)
        torch._foreach_mul_(momenta, MOMENTUM)
        torch._foreach_add_(momenta, gradients)
        torch._foreach_add_(parameters, momenta, alpha=-LR)
    for parameter in parameters:
        parameter.grad = None


take_turns(step, options, warm_up=3, engine="pytorch", version=torch.__version__, threads=torch.get_num_threads())
