# SPDX-License-Identifier: Apache-2.0
"""The protocol of a peer's process and the rules of `fovea bench`, whatever framework it measures."""
import argparse
import json
import math
import pathlib
import re
import statistics
import sys

from variants import PRECISIONS, VARIANTS

LEARNING_RATE = 1e-4  # as in cli/net_step.cpp: weights hardly move, however long the same batch is trained on


class Unavailable(Exception):
    """What was asked for cannot be had here; the message says why."""


def resident_bytes(key):
    """VmRSS, what is resident now, or VmHWM, the most since the process's start or forget_resident_peak(). Not
    getrusage(), whose peak is inherited from the process that started this one."""
    found = re.search(rf"^{key}:\s+(\d+) kB$", pathlib.Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024


def forget_resident_peak():
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # the peak of the warm-up stays


def seconds_of_a_step(seconds_of, fill):
    """Mean over steps that fill about `fill` seconds; `seconds_of(n)` runs n of them."""
    steps, taken = 1, seconds_of(1)
    while taken < fill / 2:
        steps *= 2
        taken = seconds_of(steps)
    steps = max(1, math.ceil(steps * fill / taken))
    return seconds_of(steps) / steps


def parse_arguments(description, nets, framework):
    variants = [name for name, variant in VARIANTS.items() if variant.framework == framework]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("net", choices=nets)
    parser.add_argument("batch", type=int)
    parser.add_argument("mode", choices=["train", "infer"])
    parser.add_argument("variant", choices=variants)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.25, help="that steps of one repeat fill")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help="measure on request")
    return parser.parse_args()


def serve(arguments, make):
    """`make(arguments)` gives a warm workload: facts, seconds_of(steps), peak_bytes(). Prints lines of JSON: with
    --serve one when it is warm and one for each line of standard input, which says how many seconds to fill."""
    try:
        workload = make(arguments)
    except Unavailable as reason:
        print(json.dumps({"error": str(reason)}), flush=True)
        return 1
    facts = {**workload.facts, "net": arguments.net, "batch": arguments.batch, "mode": arguments.mode,
             "variant": arguments.variant, "device": arguments.device, "precision": arguments.precision}

    def report(seconds, **more):
        print(json.dumps({**more, "milliseconds": 1e3 * seconds, "images_per_second": arguments.batch / seconds,
                          "peak_bytes": workload.peak_bytes()}), flush=True)

    if arguments.serve:
        print(json.dumps(facts), flush=True)
        for line in sys.stdin:
            report(seconds_of_a_step(workload.seconds_of, float(line)))
    else:
        repeats = [seconds_of_a_step(workload.seconds_of, arguments.seconds) for _ in range(arguments.repeats)]
        report(statistics.median(repeats), **facts)
    return 0
