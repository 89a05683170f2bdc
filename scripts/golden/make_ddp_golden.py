"""Records what 20 steps of PyTorch's DistributedDataParallel on two processes (Gloo) make of a narrow reference PSPNet: the yardstick of
packages/pspnet/test/ddp.test.ts.

python make_ddp_golden.py --reference scripts/peers/pspnet.py --out packages/pspnet/test/golden/ddp.safetensors
Needs torch 2.15, numpy, safetensors; some seconds on 2 cores.

PyTorch's SyncBatchNorm refuses tensors of a processor (torch 2.15), so `AllRanksBatchNorm` stands for it: batch norm's formula with means over
all ranks, which autograd differentiates through torch.distributed.nn's all_reduce. The loss is the mean over all labelled pixels of both ranks;
DDP takes the mean of the ranks' gradients, so each rank's share counts as often as there are ranks.

First weights, images and labels are not stored: `make_golden.value`, `image` and `labels` make them from their names. Sample i of a batch
lies on rank i % 2.
"""
import argparse
import importlib.util
import json
import os
import tempfile

import torch
import torch.distributed as dist
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.parallel import DistributedDataParallel

from make_golden import fill, image, labels

RANKS, STEPS, BATCH, BATCHES, SIDE, LR = 2, 20, 4, 5, 65, 1e-3
CONFIG = dict(layers=18, classes=5, stem="deep", width=4)


class AllRanksBatchNorm(nn.BatchNorm2d):
    def forward(self, x):
        sums = torch.stack([torch.full_like(self.bias, x.numel() / x.shape[1]), x.sum((0, 2, 3))])
        count, total = all_reduce(sums)
        mean = total / count
        centred = x - mean.view(1, -1, 1, 1)
        variance = all_reduce(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight / (variance + self.eps).sqrt()
        return centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


def over_all_ranks(net):
    for module in net.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = AllRanksBatchNorm
    return net


def load(path):
    spec = importlib.util.spec_from_file_location("pspnet_reference", path)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    return reference


def descend(rank, ranks, a, dtype, sync, found):
    """What `rank` of `ranks` trains; rank 0 puts losses and what the network holds at the end into `found`."""
    torch.set_num_threads(1)
    net = fill(load(a.reference).PSPNet(**CONFIG), CONFIG["layers"]).to(dtype)
    model = DistributedDataParallel(over_all_ranks(net) if sync else net)
    heads = ("ppm", "cls", "aux")
    groups = [dict(params=[], lr=LR), dict(params=[], lr=10 * LR)]
    for name, parameter in net.named_parameters():
        groups[name.split(".")[0] in heads]["params"].append(parameter)
    optimiser = torch.optim.SGD(groups, lr=LR, momentum=0.9, weight_decay=1e-4)
    images = image(BATCH * BATCHES, SIDE, SIDE).to(dtype).split(BATCH)
    masks = labels(BATCH * BATCHES, SIDE, SIDE, CONFIG["classes"]).split(BATCH)
    losses = []
    for step in range(STEPS):
        x, y = images[step % BATCHES], masks[step % BATCHES]
        labelled = (y != 255).sum()
        optimiser.zero_grad()
        terms = [F.cross_entropy(t, y[rank::ranks], ignore_index=255, reduction="sum") for t in model(x[rank::ranks])]
        share = (terms[0] + 0.4 * terms[1]) / labelled
        (ranks * share).backward()
        optimiser.step()
        total = share.detach().double()
        dist.all_reduce(total)
        losses.append(total)
    if rank == 0:
        kept = {name: t.float().clone() for name, t in net.state_dict().items() if not name.endswith("num_batches_tracked")}
        found.update(kept | {"losses": torch.stack(losses)})


def process(rank, ranks, a, store, out, kinds):
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=ranks)
    for kind, (dtype, sync) in kinds.items():
        found = {}
        descend(rank, ranks, a, dtype, sync, found)
        if rank == 0:
            torch.save(found, os.path.join(out, kind))
    dist.destroy_process_group()


def run(a, ranks, kinds):
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(process, (ranks, a, os.path.join(folder, "store"), folder, kinds), nprocs=ranks)
        return {kind: torch.load(os.path.join(folder, kind)) for kind in kinds}


def apart(one, other):
    """The largest difference of a weight, and of a statistic."""
    of = lambda statistics: max((one[name] - other[name]).abs().max().item() for name in one if name != "losses" and ("running_" in name) == statistics)
    return f"weights {of(False):.1e}, statistics {of(True):.1e}, losses {(one['losses'] - other['losses']).abs().max():.1e}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--reference", required=True)
    arguments.add_argument("--out", required=True)
    a = arguments.parse_args()
    two = run(a, RANKS, dict(float32=(torch.float32, True), float64=(torch.float64, True), own=(torch.float32, False)))
    one = run(a, 1, dict(float32=(torch.float32, False)))["float32"]
    found = two["float32"]
    first = fill(load(a.reference).PSPNet(**CONFIG), CONFIG["layers"]).state_dict()
    print("losses", [round(loss, 4) for loss in found["losses"].tolist()])
    print("moved by", apart(found, {**first, "losses": found["losses"]}))
    print("from float64", apart(found, two["float64"]))
    print("from one process with PyTorch's batch norm", apart(found, one))
    print("from two with batch norm of their own", apart(found, two["own"]))
    save_file({name: tensor.contiguous() for name, tensor in found.items()}, a.out, dict(torch=torch.__version__, config=json.dumps(CONFIG)))


if __name__ == "__main__":
    main()
