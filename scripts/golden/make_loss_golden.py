"""Records losses of enlarged logits with their gradients: the yardstick of packages/torch/test/lossGolden.test.ts.

python make_loss_golden.py --out packages/torch/test/golden/losses.safetensors
Needs torch 2.15, segmentation_models_pytorch, numpy, safetensors; a second.

Label smoothing and class weights are torch.nn.CrossEntropyLoss's, Dice is segmentation_models_pytorch's DiceLoss. Hard pixels are chosen as
mmsegmentation's OHEMPixelSampler and HRNet's OhemCrossEntropy do, and their loss averaged as the latter does.
"""
import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from segmentation_models_pytorch.losses import DiceLoss

IGNORE = 255


def cross_entropy(logits, labels, weight=None, smoothing=0.0, threshold=0.0, kept=0.0):
    if threshold > 0:
        labelled = labels != IGNORE
        truths = logits.detach().softmax(1).gather(1, labels.where(labelled, 0).unsqueeze(1)).squeeze(1)
        ordered = truths[labelled].sort().values
        count = min(max(round(kept * len(ordered)), 1), len(ordered))
        labels = labels.where(truths <= max(ordered[count - 1], threshold), IGNORE)
    return F.cross_entropy(logits, labels, weight, ignore_index=IGNORE, label_smoothing=smoothing)


def dice(logits, labels):
    return DiceLoss(mode="multiclass", from_logits=True, smooth=0.0, ignore_index=IGNORE)(logits, labels)


CASES = {
    "smoothing": dict(labelSmoothing=0.1),
    "weighted smoothing": dict(labelSmoothing=0.2, weighted=True),
    "hard pixels below the threshold": dict(ohemThreshold=0.3, ohemKept=0.01),
    "hard pixels as many as are kept": dict(ohemThreshold=0.001, ohemKept=0.25),
    "weighted and smoothed hard pixels": dict(ohemThreshold=0.2, ohemKept=0.0625, labelSmoothing=0.1, weighted=True),
    "dice": dict(dice=True),
}


def main(out):
    generator = np.random.default_rng(5)
    # The last class has no pixel, and not all pixels have a class.
    logits = generator.normal(0, 2, [2, 6, 4, 5])
    labels = generator.integers(0, 5, [2, 25, 33])
    labels[generator.random(labels.shape) < 0.1] = IGNORE
    weight = generator.uniform(0.2, 3, 6)
    tensors = dict(logits=logits, labels=labels.astype(np.uint8), weight=weight)
    for (name, options), align in [(case, align) for case in CASES.items() for align in (True, False)]:
        x = torch.tensor(logits, requires_grad=True)
        enlarged = F.interpolate(x, labels.shape[1:], mode="bilinear", align_corners=align)
        target = torch.tensor(labels)
        if options.get("dice"):
            loss = dice(enlarged, target)
        else:
            weights = torch.tensor(weight) if options.get("weighted") else None
            told = [options.get(key, 0.0) for key in ("labelSmoothing", "ohemThreshold", "ohemKept")]
            loss = cross_entropy(enlarged, target, weights, *told)
        loss.backward()
        tensors[f"{name}, {align}.loss"] = loss.detach().numpy().reshape(1)
        tensors[f"{name}, {align}.gradient"] = x.grad.numpy()
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, out, {"cases": json.dumps(CASES)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    main(parser.parse_args().out)
