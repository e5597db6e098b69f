#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times one variant of one net in PyTorch, by the rules of `fovea bench`: random images made once, whole training steps
(forward, loss, backward, SGD with momentum 0.9) or forward passes, a warm-up (in which compilation happens), steps
that fill each repeat, the median.

    pytorch_bench.py lenet5 64 train compiled --threads 2 [--device cuda --precision bf16]

prints one JSON line. With --serve it prints a line when it is warm, and then one for each line on its standard input,
which says how many seconds to fill: so that several of these processes take turns without compiling anew. On cuda the
times are the device's own, between two events.
"""
import contextlib
import json
import re
import sys
import time

try:
    import torch
except ImportError:
    if __name__ != "__main__":
        raise
    print(json.dumps({"error": "torch is not installed"}), flush=True)
    sys.exit(1)
from torch.nn import functional

import measuring
import nets
from variants import VARIANTS


def configure(variant, precision, device):
    """Settings of the whole process."""
    if precision == "tf32" and device == "cpu":
        raise measuring.Unavailable("tf32: a processor has none")
    if variant.graphed and device == "cpu":
        raise measuring.Unavailable("CUDA graphs: a processor has none")
    if variant.untouched:
        return
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True


class Workload:
    """A net and a batch on the device; step() is what is timed, and returns the loss, or None in inference."""

    def __init__(self, net, images, labels, mode, variant, device, precision, learning_rate):
        settings = VARIANTS[variant]
        configure(settings, precision, device)
        net, images, self.labels = net.to(device), images.to(device), labels.to(device)
        if settings.channels_last:
            net = net.to(memory_format=torch.channels_last)
            images = images.to(memory_format=torch.channels_last)
        self.images, self.on_gpu, self.device = images, device == "cuda", device
        net.train(mode == "train")
        narrow = precision == "bf16" and not settings.untouched
        self.precision = (lambda: torch.autocast(device, torch.bfloat16)) if narrow else contextlib.nullcontext
        fused = None if settings.untouched else True
        self.optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9, fused=fused)
        self.computed = self.loss if mode == "train" else net
        self.net = net
        if settings.compiled:
            self.computed = torch.compile(self.computed, mode=settings.compiled)
        self.marks = settings.compiled == "max-autotune" and self.on_gpu
        self.step = self.train if mode == "train" else self.infer
        self.graphed = settings.graphed

    def loss(self, images, labels):
        return functional.cross_entropy(self.net(images), labels)

    def train(self):
        if self.marks:
            torch.compiler.cudagraph_mark_step_begin()
        self.optimizer.zero_grad(set_to_none=True)
        with self.precision():
            loss = self.computed(self.images, self.labels)
        loss.backward()
        self.optimizer.step()
        return loss

    def infer(self):
        if self.marks:
            torch.compiler.cudagraph_mark_step_begin()
        with torch.inference_mode(), self.precision():
            self.computed(self.images)

    def seconds_of(self, steps):
        if not self.on_gpu:
            start = time.perf_counter()
            for _ in range(steps):
                self.step()
            return time.perf_counter() - start
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(steps):
            self.step()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3

    def warm_up(self):
        """Compiles, and runs on where the first steps make the optimizer's state and record graphs."""
        if not self.graphed:
            for _ in range(5):
                self.step()
        else:
            aside = torch.cuda.Stream()  # PyTorch wants the steps before a capture away from the default stream
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(3):
                    self.step()
            torch.cuda.current_stream().wait_stream(aside)
            self.optimizer.zero_grad(set_to_none=True)  # so that the gradients lie in the graph's own memory
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.step()
            self.step = self.graph.replay
            self.step()
        if self.on_gpu:
            torch.cuda.synchronize()

    def peak_bytes(self):
        """The most in use: of the GPU's memory by tensors, or resident in the process."""
        return torch.cuda.max_memory_allocated() if self.on_gpu else measuring.resident_bytes("VmHWM")

    def forget_peak(self):
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        measuring.forget_resident_peak()


def versions():
    onednn = re.search(r"(?:MKL-DNN|oneDNN) v([\d.]+)", torch.__config__.show())
    return {"torch": torch.__version__, "onednn": onednn.group(1) if onednn else None,
            "cudnn": torch.backends.cudnn.version() if torch.cuda.is_available() else None,
            "python": sys.version.split()[0]}


def warm_workload(arguments):
    torch.set_num_threads(arguments.threads)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise measuring.Unavailable("this PyTorch finds no GPU")
    imported = measuring.resident_bytes("VmRSS") if arguments.device == "cpu" else 0
    torch.manual_seed(1)
    definition = nets.NETS[arguments.net]
    net = nets.build(arguments.net)
    images = torch.randn(arguments.batch, *definition.sample_shape)
    labels = torch.randint(definition.classes, (arguments.batch,))
    workload = Workload(net, images, labels, arguments.mode, arguments.variant, arguments.device, arguments.precision,
                        measuring.LEARNING_RATE)
    del net, images, labels
    workload.warm_up()
    workload.facts = {**versions(), "threads": torch.get_num_threads(), "imported_bytes": imported,
                      "clock": "device" if workload.on_gpu else "host", "warm_up_peak_bytes": workload.peak_bytes()}
    workload.forget_peak()
    return workload


def our_name(name):
    """layer1.0.conv1.weight -> layer1-0-conv1.weight"""
    module, parameter = name.rsplit(".", 1)
    return module.replace(".", "-") + "." + parameter


def losses(problem, steps, variant, device, precision):
    """Of steps from the weights of an exchange.Problem."""
    def tensor(content, shape, dtype=torch.float32):
        return torch.frombuffer(bytearray(content), dtype=dtype).reshape(shape)

    net = nets.NETS[problem.name].build(10)
    state = net.state_dict()
    for name in state:
        if not name.endswith("num_batches_tracked"):
            shape, content = problem.tensors[our_name(name)]
            state[name] = tensor(content, shape)
    net.load_state_dict(state)
    mean, deviation = (torch.tensor(x).reshape(1, -1, 1, 1) for x in (problem.mean, problem.deviation))
    images = tensor(problem.images, (len(problem.labels), *problem.sample_shape), torch.uint8)
    images = (images.float() / 255 - mean) / deviation
    workload = Workload(net, images, torch.tensor(problem.labels), "train", variant, device, precision,
                        problem.learning_rate)
    return [workload.step().item() for _ in range(steps)]


def layers(name):
    """[name, output shape, parameters] of every layer that has parameters, in the order of execution."""
    found = []
    net = nets.build(name).eval()
    for module_name, module in net.named_modules():
        count = sum(p.numel() for p in module.parameters(recurse=False))
        if count > 0:
            module.register_forward_hook(
                lambda _module, _inputs, output, entry=[module_name.replace(".", "-"), None, count]:
                found.append([entry[0], list(output.shape), entry[2]]))
    with torch.inference_mode():
        net(torch.zeros(1, *nets.NETS[name].sample_shape))
    return found


if __name__ == "__main__":
    sys.exit(measuring.serve(measuring.parse_arguments(__doc__.split("\n\n")[0], nets.NETS, "pytorch"), warm_workload))
