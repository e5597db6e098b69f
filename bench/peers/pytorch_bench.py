#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times one variant of one net in PyTorch, by the rules of `fovea bench`: random images made once, whole training steps
(forward, loss, backward, SGD with momentum 0.9) or forward passes, a warm-up (in which compilation happens), steps
that fill each repeat, the median.

    pytorch_bench.py lenet5 64 train compiled --threads 2 [--device cuda]

prints one JSON line. With --serve it prints a line when it is warm, and then one for each line on its standard input,
which says how many seconds to fill: so that several of these processes take turns without compiling anew. On cuda the
clock stops when the GPU has finished, and TF32 stays off, as the work is float32.
"""
import argparse
import json
import math
import pathlib
import re
import statistics
import sys
import time

import torch
from torch.nn import functional

import nets

VARIANTS = ["eager", "eager-channels_last", "compiled", "compiled-channels_last"]
LEARNING_RATE = 1e-4  # as in cli/bench_net.cpp: weights hardly move, however long the same batch is trained on


def resident_bytes(key):
    """VmRSS, what is resident now, or VmHWM, the most since the process's start or forget_peak(). Not getrusage(),
    whose peak is inherited from the process that started this one."""
    found = re.search(rf"^{key}:\s+(\d+) kB$", pathlib.Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024


def peak_bytes(device):
    """The most in use: of the GPU's memory by tensors, or resident in the process."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else resident_bytes("VmHWM")


def forget_peak(device):
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # the peak of the warm-up stays


class Workload:
    """A net and its batch; step() is what is timed."""

    def __init__(self, name, batch, mode, variant, device):
        torch.manual_seed(1)
        definition = nets.NETS[name]
        net = nets.build(name).to(device)
        self.batch = batch
        self.images = torch.randn(batch, *definition.sample_shape).to(device)
        self.labels = torch.randint(definition.classes, (batch,)).to(device)
        self.finish = torch.cuda.synchronize if device == "cuda" else lambda: None
        if variant.endswith("channels_last"):
            net = net.to(memory_format=torch.channels_last)
            self.images = self.images.to(memory_format=torch.channels_last)
        net.train(mode == "train")
        self.optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=0.9, fused=True)
        self.net = torch.compile(net) if variant.startswith("compiled") else net
        self.step = self.train if mode == "train" else self.infer

    def train(self):
        self.optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(self.net(self.images), self.labels).backward()
        self.optimizer.step()

    def infer(self):
        with torch.inference_mode():
            self.net(self.images)

    def seconds_of(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        self.finish()
        return time.perf_counter() - start

    def warm_up(self):
        for _ in range(3):  # compiles, and once more where the first step makes the optimizer's state
            self.step()
        self.finish()

    def seconds_of_a_step(self, fill):
        """Mean over steps that fill about `fill` seconds."""
        steps, taken = 1, self.seconds_of(1)
        while taken < fill / 2:
            steps *= 2
            taken = self.seconds_of(steps)
        steps = max(1, math.ceil(steps * fill / taken))
        return self.seconds_of(steps) / steps


def versions():
    onednn = re.search(r"(?:MKL-DNN|oneDNN) v([\d.]+)", torch.__config__.show())
    return {"torch": torch.__version__, "onednn": onednn.group(1) if onednn else None,
            "python": sys.version.split()[0]}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("net", choices=nets.NETS)
    parser.add_argument("batch", type=int)
    parser.add_argument("mode", choices=["train", "infer"])
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=0.25, help="that steps of one repeat fill")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help="measure on request")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    imported = resident_bytes("VmRSS") if arguments.device == "cpu" else 0
    workload = Workload(arguments.net, arguments.batch, arguments.mode, arguments.variant, arguments.device)
    workload.warm_up()
    facts = {**versions(), "threads": torch.get_num_threads(), "net": arguments.net, "batch": arguments.batch,
             "mode": arguments.mode, "variant": arguments.variant, "imported_bytes": imported,
             "device": arguments.device, "warm_up_peak_bytes": peak_bytes(arguments.device)}
    forget_peak(arguments.device)

    def report(seconds, **more):
        print(json.dumps({**more, "milliseconds": 1e3 * seconds, "images_per_second": arguments.batch / seconds,
                          "peak_bytes": peak_bytes(arguments.device)}), flush=True)

    if arguments.serve:
        print(json.dumps(facts), flush=True)
        for line in sys.stdin:
            report(workload.seconds_of_a_step(float(line)))
    else:
        repeats = [workload.seconds_of_a_step(arguments.seconds) for _ in range(arguments.repeats)]
        report(statistics.median(repeats), **facts)


if __name__ == "__main__":
    main()
