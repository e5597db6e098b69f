#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fovea beside PyTorch and JAX: the same nets, batches, precision and threads, in turn.

    compare.py --python PYTHON_WITH_TORCH [--device cuda --precision bf16 --budget 500]

For each net and mode, every variant of a peer (variants.py) is started once and stays alive, so that it compiles once;
then in each round Fovea and each variant run for the same time, one after the other, so that a change of the machine's
speed meets all of them. What the budget leaves no time for is listed as not run.
 Writes OUT/peers-DEVICE.json, everything measured, and OUT/peers-DEVICE.md, the table, as it goes.
Needs nothing but Python's standard library itself.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

import machine
import report
from variants import DEFAULT_VARIANTS, PARITY_VARIANT, PRECISIONS, VARIANTS

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
# The first batch of a net is its default. On cuda in the order in which they are to be measured when time is short.
NETS = {"cpu": ["lenet5:64", "alexnet-cifar:128", "alexnet:32", "resnet18:16"],
        "cuda": ["alexnet:256", "lenet5:64", "alexnet:128", "lenet5:256", "alexnet-cifar:512", "alexnet:1024",
                 "resnet50:256", "vgg16:128", "resnet18:64"]}
SECONDS_OF_A_START = 3  # of a process of ours, at most: for what is planned within a budget


class Failure(Exception):
    """A program that was to be measured failed; the message is its own."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Clock:
    """What is left of the budget."""

    def __init__(self, budget):
        self.end = time.monotonic() + budget

    def left(self):
        return self.end - time.monotonic()


def environment(options):
    """One setting of threads for every library; on a processor no pool of compilers that would stay beside the
    measurement."""
    threads = str(options.threads)
    pool = {"TORCHINDUCTOR_COMPILE_THREADS": "1"} if options.peer_device == "cpu" else {}
    return {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "PYTHONDONTWRITEBYTECODE": "1",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false", **pool}


class Fovea:
    def __init__(self, options):
        self.options = options

    def bench(self, *arguments):
        o = self.options
        command = [o.fovea, "bench", *arguments, "--device", o.device, "--precision", o.precision, "--threads",
                   o.threads, "--json", "--quiet"]
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if ran.returncode != 0:
            raise Failure(ran.stderr.strip())
        return json.loads(ran.stdout)

    def measure(self, net, batch, mode, *more):
        result = self.bench(f"{net}:{batch}", "--mode", mode, "--repeats", 1, "--min-seconds", self.options.seconds,
                            *more)
        row = result["results"][0]
        peak = "planned_bytes" if self.options.peer_device == "cuda" else "peak_bytes"
        return {**{key: row[key] for key in ("milliseconds", "images_per_second", "of_roofline")},
                "peak_bytes": row[peak], "clock": result["clock"], "ceilings": result["ceilings"]}

    def check(self):
        """Throws what is wrong with device and precision before anything is compiled for the peers."""
        self.bench("softmax:1", "--mode", "infer", "--repeats", 1, "--min-seconds", 0, "--no-ceilings")


class Peer:
    """A process of PyTorch or JAX that measures on request."""

    def __init__(self, options, net, batch, mode, variant):
        framework = VARIANTS[variant].framework
        command = [options.interpreter(framework), HERE / f"{framework}_bench.py", net, batch, mode, variant,
                   "--threads", options.threads, "--device", options.peer_device, "--precision",
                   options.precision, "--serve"]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment(options))
        self.facts = None

    def warm_up(self, limit):
        self.facts = self.answer(limit)

    def answer(self, limit=float("inf")):
        """A line, which is all that the process says at a time."""
        ready = select.select([self.process.stdout], [], [], None if limit == float("inf") else max(0, limit))[0]
        if not ready:
            self.process.kill()
            self.process.wait()
            raise Failure(f"not warm after the {limit:.0f} s there were")
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"ended with exit code {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            self.process.wait()
            raise Failure(answer["error"])
        return answer

    def measure(self, seconds):
        with contextlib.suppress(BrokenPipeError):  # answer() says how it ended
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        return self.answer()

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def start_peers(options, clock, started, net, batch, mode, case, stack):
    """The variants that run, warm; those that do not have their error noted in `case`. `started` has what was started
    before."""
    peers = {}
    for variant in options.variants:
        say(f"  {variant}: warming up")
        rounds = options.rounds * (1.5 * options.seconds * (len(peers) + 2) + SECONDS_OF_A_START)
        try:
            if clock.left() < rounds:
                raise Failure("the time was up")
            peer = started.pop((net, batch, mode, variant), None)
            if isinstance(peer, Failure):
                raise peer
            if peer is None:
                peer = Peer(options, net, batch, mode, variant)
                peer.warm_up(clock.left() - rounds)
            peers[variant] = peer
        except Failure as failure:
            say(f"  {variant}: {failure}")
            case["peers"][variant] = {"error": str(failure)}
            continue
        stack.callback(peers[variant].close)
        case["peers"][variant] = {**peers[variant].facts, "rounds": []}
    return peers


def start_together(options, clock, cases, started):
    """Starts the peers of all cases and waits for all of them: nothing is measured while one compiles. Puts them into
    `started`, or in their place the reason why one is not warm."""
    for case in cases:
        for variant in options.variants:
            started[(*case, variant)] = Peer(options, *case, variant)
    one = 1.5 * options.seconds * (len(options.variants) + 1) + SECONDS_OF_A_START
    for key, peer in started.items():
        say(f"  {key[0]}, batch {key[1]}, {key[3]}: warming up")
        try:
            peer.warm_up(clock.left() - options.rounds * one * len(cases))
        except Failure as failure:
            started[key] = failure


def measure_case(options, clock, fovea, started, net, batch, mode):
    case = {"net": net, "batch": batch, "mode": mode, "fovea": [], "peers": {}}
    with contextlib.ExitStack() as stack:
        peers = start_peers(options, clock, started, net, batch, mode, case, stack)
        for index in range(options.rounds):
            if index > 0 and clock.left() <= 0:
                say("  the time is up")
                break
            # The first time with the ceilings of this precision, for the fraction of the roofline.
            case["fovea"].append(fovea.measure(net, batch, mode, *(["--no-ceilings"] if index > 0 else [])))
            for variant, peer in peers.items():
                case["peers"][variant]["rounds"].append(peer.measure(options.seconds))
            say(f"  round {index + 1} of {options.rounds}")
    case["comparison"] = report.compare(case, options.peer_device, options.precision)
    return case


def check_parity(options, clock, net):
    """Of each framework that is to be measured."""
    results = []
    for variant in [PARITY_VARIANT[options.peer_device]] + [v for v in options.variants if v == "jax"]:
        framework = VARIANTS[variant].framework
        say(f"parity of {net}, {framework}")
        command = [options.interpreter(framework), HERE / "parity.py", options.fovea, net, "--device", options.device,
                   "--peer-device", options.peer_device, "--precision", options.precision, "--variant", variant]
        limit = None if options.budget is None else max(1, clock.left())
        result = {"net": net, "framework": framework, "layers_agree": False}
        try:
            ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, timeout=limit,
                                 env=environment(options))
            if ran.stdout:
                result = json.loads(ran.stdout)
        except subprocess.TimeoutExpired:
            result = {"net": net, "framework": framework, "error": "the time was up"}
        results.append(result)
    return results


def write(options, raw):
    options.out.mkdir(parents=True, exist_ok=True)
    precision = "" if options.precision == "fp32" else f"-{options.precision}"
    name = "peers-" + options.device.replace(":", "-") + precision
    (options.out / f"{name}.json").write_text(json.dumps(raw, indent=1) + "\n")
    (options.out / f"{name}.md").write_text(report.markdown(raw))


def net_and_batch(text):
    net, _, batch = text.partition(":")
    defaults = {}
    for entry in NETS["cpu"] + NETS["cuda"]:
        defaults.setdefault(*entry.split(":"))
    if net not in defaults or (batch and not (batch.isdecimal() and int(batch) > 0)):
        raise argparse.ArgumentTypeError(f"expected NET or NET:BATCH, NET one of {', '.join(defaults)}, got '{text}'")
    return net, int(batch or defaults[net])


def positive(kind):
    def parse(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"expected a number above 0, got '{text}'")
        return value
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torch (default: this one)")
    parser.add_argument("--jax-python", help="an interpreter with jax (default: that with torch)")
    parser.add_argument("--fovea", default=str(REPOSITORY / "build/release/cli/fovea"), help="the fovea command")
    parser.add_argument("--device", default="auto", help="of Fovea; NAME or NAME:ENGINE")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="of Fovea and of all but 'default'")
    parser.add_argument("--budget", type=positive(float), help="seconds for all of it (default: no limit)")
    parser.add_argument("--threads", type=positive(int), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=positive(int), default=7)
    parser.add_argument("--seconds", type=positive(float), default=2, help="that each takes in a round")
    parser.add_argument("--nets", type=net_and_batch, nargs="+", metavar="NET[:BATCH]",
                        help="in this order; on cuda by default those of the bars, the most important first")
    parser.add_argument("--modes", choices=["train", "infer"], nargs="+",
                        help="(default: both; on cuda training)")
    parser.add_argument("--variants", choices=VARIANTS, nargs="+", help="in this order")
    parser.add_argument("--no-parity", action="store_true", help="leave out the check that both compute the same")
    parser.add_argument("--together", action="store_true",
                        help="start the peers of all cases at once, so that they compile side by side, before anything "
                        "is measured; needs the memory for all of them")
    parser.add_argument("--out", type=pathlib.Path, default=REPOSITORY / "bench/results")
    options = parser.parse_args()
    options.jax_python = options.jax_python or options.python
    for name in ("python", "jax_python", "fovea"):
        if shutil.which(getattr(options, name)) is None:
            parser.error(f"--{name.replace('_', '-')}: expected a program, got '{getattr(options, name)}'")
    options.peer_device = "cuda" if options.device.startswith("cuda") else "cpu"
    options.nets = options.nets or [net_and_batch(net) for net in NETS[options.peer_device]]
    options.modes = options.modes or (["train"] if options.peer_device == "cuda" else ["train", "infer"])
    options.variants = options.variants or DEFAULT_VARIANTS[options.peer_device]
    options.interpreter = lambda framework: options.jax_python if framework == "jax" else options.python
    return options


def main():
    options = parse_arguments()
    clock = Clock(float("inf") if options.budget is None else options.budget)
    fovea = Fovea(options)
    cases = [(net, batch, mode) for net, batch in options.nets for mode in options.modes]
    raw = {"date": datetime.date.today().isoformat(), "device": options.device, "peer_device": options.peer_device,
           "precision": options.precision, "threads": options.threads, "rounds": options.rounds,
           "seconds": options.seconds,
           "machine": machine.describe(options.fovea, REPOSITORY), "ceilings": None, "parity": [], "cases": [],
           "not_run": []}
    started = {}
    try:
        fovea.check()
        if options.together:
            start_together(options, clock, cases, started)
        slowest = 0
        for net, batch, mode in cases:
            # A case that would be cut short says less than the list of what is missing.
            if clock.left() < slowest:
                raw["not_run"].append({"net": net, "batch": batch, "mode": mode})
                write(options, raw)
                continue
            say(f"{net}, batch {batch}, {mode}")
            start = time.monotonic()
            if not options.no_parity and all(checked["net"] != net for checked in raw["parity"]):
                raw["parity"] += check_parity(options, clock, net)
            raw["cases"].append(measure_case(options, clock, fovea, started, net, batch, mode))
            raw["ceilings"] = raw["ceilings"] or raw["cases"][-1]["fovea"][0]["ceilings"]
            slowest = max(slowest, time.monotonic() - start)
            write(options, raw)
    except Failure as failure:
        say(f"compare.py: {failure}")
        return 1
    finally:
        for peer in started.values():  # of cases that were not run
            if isinstance(peer, Peer):
                peer.process.kill()
                peer.close()
    print(report.markdown(raw), end="")
    agree = all("error" in p or (p["layers_agree"] and p.get("losses_agree", True)) for p in raw["parity"])
    compared = all(case["comparison"] for case in raw["cases"])
    return 0 if agree and compared else 1


if __name__ == "__main__":
    sys.exit(main())
