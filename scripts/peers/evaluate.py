"""The official evaluation of PSPNet, tool/test.py of https://github.com/hszhao/semseg, in PyTorch, NumPy and OpenCV.

python evaluate.py [--dtype bf16]                                    # seconds of one random photograph of 512x683
python evaluate.py --weights net.safetensors --photographs folder --out labels      # index PNGs
python evaluate.py --weights net.safetensors --photographs folder --compare predictions    # share that `pspnet predict` labelled alike
At each scale windows of the crop's size, step 2/3 rounded up, each with its mirror image; softmax of the enlarged logits;
averaged over mirror images and windows, resized to the photograph, averaged over scales.
"""

import glob
import os

import cv2
import numpy as np
import torch
from pspnet import PSPNet
from turns import arguments, take_turns, tell

parser = arguments(__doc__)
parser.add_argument("--layers", type=int, default=50)
parser.add_argument("--classes", type=int, default=150)
parser.add_argument("--size", default="512x683", help="height x width of the random photograph")
parser.add_argument("--crop", type=int, default=473)
parser.add_argument("--scales", default="0.5,0.75,1,1.25,1.5,1.75")
parser.add_argument("--base-size", type=int, help="the long side at scale 1; the photograph's own when left out")
parser.add_argument("--weights", help="safetensors by the official names; random ones when left out")
parser.add_argument("--photographs")
parser.add_argument("--out")
parser.add_argument("--compare")
options = parser.parse_args()
scales = [float(scale) for scale in options.scales.split(",")]
dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32
MEAN = 255 * np.array([0.485, 0.456, 0.406])
STD = 255 * np.array([0.229, 0.224, 0.225])


def network():
    torch.manual_seed(0)
    net = PSPNet(options.layers, options.classes)
    if options.weights:
        from safetensors.torch import load_file

        missing, unexpected = net.load_state_dict(load_file(options.weights), strict=False)
        missing = [name for name in missing if not name.startswith("aux.") and "num_batches" not in name]
        if missing or unexpected:
            raise SystemExit(f"{options.weights}: missing {missing}, unexpected {unexpected}")
    return net.eval().to(dtype, memory_format=torch.channels_last)


@torch.inference_mode()
def window_probabilities(window):
    """Of a window [h, w, 3] of values from 0 to 255: [h, w, classes]."""
    x = torch.from_numpy((window.transpose(2, 0, 1) - MEAN[:, None, None]) / STD[:, None, None]).float()[None]
    both = torch.cat([x, x.flip(3)]).to(dtype).contiguous(memory_format=torch.channels_last)
    p = net(both).float().softmax(1)
    return ((p[0] + p[1].flip(2)) / 2).numpy().transpose(1, 2, 0)


def starts(length):
    step = int(np.ceil(options.crop * 2 / 3))
    count = int(np.ceil((length - options.crop) / step)) + 1
    return [min(i * step, length - options.crop) for i in range(count)]


def scale_probabilities(image):
    """Of a resized photograph: [h, w, classes]."""
    crop, (h, w) = options.crop, image.shape[:2]
    pad_h, pad_w = max(crop - h, 0), max(crop - w, 0)
    top, left = pad_h // 2, pad_w // 2
    image = cv2.copyMakeBorder(
        image, top, pad_h - top, left, pad_w - left, cv2.BORDER_CONSTANT, value=MEAN.tolist()
    )
    total, count = np.zeros((*image.shape[:2], options.classes)), np.zeros((*image.shape[:2], 1))
    for y in starts(image.shape[0]):
        for x in starts(image.shape[1]):
            at = np.s_[y : y + crop, x : x + crop]
            total[at] += window_probabilities(image[at])
            count[at] += 1
    return (total / count)[top : top + h, left : left + w]


def labels(image):
    """Of a photograph [h, w, 3] of bytes, RGB: [h, w]."""
    image = image.astype(np.float32)
    h, w = image.shape[:2]
    base = options.base_size or max(h, w)
    total = np.zeros((h, w, options.classes))
    for scale in scales:
        long = round(scale * base)
        size = (round(long / h * w), long) if h > w else (long, round(long / w * h))
        scaled = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        total += cv2.resize(scale_probabilities(scaled), (w, h), interpolation=cv2.INTER_LINEAR)
    return (total / len(scales)).argmax(2).astype(np.uint8)


net = network()
if options.photographs:
    from PIL import Image

    equal = pixels = 0
    for file in sorted(glob.glob(os.path.join(options.photographs, "*"))):
        name = os.path.splitext(os.path.basename(file))[0] + ".png"
        found = labels(cv2.imread(file)[:, :, ::-1])
        if options.out:
            os.makedirs(options.out, exist_ok=True)
            cv2.imwrite(os.path.join(options.out, name), found)
        if options.compare:
            other = np.array(Image.open(os.path.join(options.compare, name.replace(".png", ".labels.png"))))
            equal, pixels = equal + int((found == other).sum()), pixels + found.size
    if options.compare:
        tell(pixels=pixels, equal=equal / pixels)
else:
    h, w = (int(side) for side in options.size.split("x"))
    photograph = np.random.default_rng(0).integers(0, 256, (h, w, 3), dtype=np.uint8)
    window = photograph[:1, :1].repeat(options.crop, 0).repeat(options.crop, 1)
    warm_up = lambda: window_probabilities(window)
    about = dict(engine="pytorch", version=torch.__version__, threads=torch.get_num_threads())
    take_turns(lambda: labels(photograph), options, before=warm_up, **about)
