"""Times a benchmark, once or in turns with others: packages/pspnet/bench/turns.mjs says how."""

import argparse
import json
import resource
import sys
import time

import torch


def arguments(description):
    """A parser that has what all benchmarks take. On a GPU float32 is not rounded to TF32, as ours is not."""
    torch.backends.cudnn.allow_tf32 = False
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--turns", action="store_true", help="a turn for each line on standard input")
    return parser


def take_turns(run, options, warm_up=2, before=None, **about):
    """Warms up by `before`, or else `run`; then prints the seconds of `runs` runs as a line of JSON, or of each turn's."""

    def seconds():
        start = time.perf_counter()
        run()
        if options.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def turn():
        times = sorted(seconds() for _ in range(options.runs))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if options.device == "cuda":
            about["peak_gpu_mb"] = torch.cuda.max_memory_allocated() // 2**20
        tell(**about, dtype=options.dtype, median_s=times[len(times) // 2], min_s=times[0], peak_rss_mb=peak)

    for _ in range(warm_up):
        (before or run)()
    if not options.turns:
        return turn()
    tell(**about, ready=True)
    for _ in sys.stdin:
        turn()


def tell(**line):
    print(json.dumps(line), flush=True)
