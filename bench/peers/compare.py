#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fovea beside PyTorch: the same nets, batches and threads, in turn.

    compare.py --python PYTHON_WITH_TORCH

For each net and mode, every variant of PyTorch is started once and stays alive, so that it compiles once; then in each
round Fovea and each variant run for the same time, one after the other, so that a change of the machine's speed meets
all of them. Writes OUT/peers-DEVICE.json, everything measured, and OUT/peers-DEVICE.md, the table, as it goes.
Needs nothing but Python's standard library itself.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys

import machine
import report

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
VARIANTS = ["eager", "eager-channels_last", "compiled", "compiled-channels_last"]
NETS = ["lenet5:64", "alexnet-cifar:128", "alexnet:32", "resnet18:16"]


class Failure(Exception):
    """A program that was to be measured failed; the message is its own."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment(threads):
    """One setting of threads for every library, and no pool of compilers that would stay beside the measurement."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
            "TORCHINDUCTOR_COMPILE_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Fovea:
    def __init__(self, options):
        self.options = options

    def bench(self, *arguments):
        o = self.options
        command = [o.fovea, "bench", *arguments, "--device", o.device, "--threads", o.threads, "--json", "--quiet"]
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if ran.returncode != 0:
            raise Failure(ran.stderr.strip())
        return json.loads(ran.stdout)

    def measure(self, net, batch, mode):
        result = self.bench(f"{net}:{batch}", "--mode", mode, "--repeats", 1, "--min-seconds", self.options.seconds,
                            "--no-ceilings")["results"][0]
        peak = "planned_bytes" if self.options.peer_device == "cuda" else "peak_bytes"
        return {**{key: result[key] for key in ("milliseconds", "images_per_second")}, "peak_bytes": result[peak]}

    def ceilings(self):
        return self.bench("softmax:1", "--mode", "infer", "--min-seconds", self.options.seconds)["ceilings"]


class Peer:
    """A PyTorch process that measures on request."""

    def __init__(self, options, net, batch, mode, variant):
        command = [options.python, HERE / "pytorch_bench.py", net, batch, mode, variant, "--threads", options.threads,
                   "--device", options.peer_device, "--serve"]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment(options.threads))
        self.facts = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"ended with exit code {self.process.wait()}")
        return json.loads(line)

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


def start_peers(options, net, batch, mode, case, stack):
    """The variants that run, warm; those that do not have their error noted in `case`."""
    peers = {}
    for variant in options.variants:
        say(f"  {variant}: warming up")
        try:
            peers[variant] = Peer(options, net, batch, mode, variant)
        except Failure as failure:
            say(f"  {variant}: {failure}")
            case["peers"][variant] = {"error": str(failure)}
            continue
        stack.callback(peers[variant].close)
        case["peers"][variant] = {**peers[variant].facts, "rounds": []}
    return peers


def measure_case(options, fovea, net, batch, mode):
    case = {"net": net, "batch": batch, "mode": mode, "fovea": [], "peers": {}}
    with contextlib.ExitStack() as stack:
        peers = start_peers(options, net, batch, mode, case, stack)
        for index in range(options.rounds):
            case["fovea"].append(fovea.measure(net, batch, mode))
            for variant, peer in peers.items():
                case["peers"][variant]["rounds"].append(peer.measure(options.seconds))
            say(f"  round {index + 1} of {options.rounds}")
    case["comparison"] = report.compare(case, options.peer_device)
    return case


def check_parity(options, nets):
    results = []
    for net in nets:
        say(f"parity of {net}")
        ran = subprocess.run([options.python, str(HERE / "parity.py"), options.fovea, net, "--device", options.device],
                             stdout=subprocess.PIPE, text=True, env=environment(options.threads))
        results.append(json.loads(ran.stdout) if ran.stdout else {"net": net, "layers_agree": False})
    return results


def write(options, raw):
    options.out.mkdir(parents=True, exist_ok=True)
    name = "peers-" + options.device.replace(":", "-")
    (options.out / f"{name}.json").write_text(json.dumps(raw, indent=1) + "\n")
    (options.out / f"{name}.md").write_text(report.markdown(raw))


def net_and_batch(text):
    net, _, batch = text.partition(":")
    defaults = dict(entry.split(":") for entry in NETS)
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
    parser.add_argument("--fovea", default=str(REPOSITORY / "build/release/cli/fovea"), help="the fovea command")
    parser.add_argument("--device", default="auto", help="of Fovea; NAME or NAME:ENGINE")
    parser.add_argument("--threads", type=positive(int), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=positive(int), default=7)
    parser.add_argument("--seconds", type=positive(float), default=2, help="that each takes in a round")
    parser.add_argument("--nets", type=net_and_batch, nargs="+", default=[net_and_batch(net) for net in NETS],
                        metavar="NET[:BATCH]")
    parser.add_argument("--modes", choices=["train", "infer"], nargs="+", default=["train", "infer"])
    parser.add_argument("--variants", choices=VARIANTS, nargs="+", default=VARIANTS)
    parser.add_argument("--no-parity", action="store_true", help="leave out the check that both compute the same")
    parser.add_argument("--out", type=pathlib.Path, default=REPOSITORY / "bench/results")
    options = parser.parse_args()
    for name in ("python", "fovea"):
        if shutil.which(getattr(options, name)) is None:
            parser.error(f"--{name}: expected a program, got '{getattr(options, name)}'")
    options.peer_device = "cuda" if options.device.startswith("cuda") else "cpu"
    return options


def main():
    options = parse_arguments()
    fovea = Fovea(options)
    nets = [net for net, _ in options.nets]
    raw = {"date": datetime.date.today().isoformat(), "device": options.device, "peer_device": options.peer_device,
           "threads": options.threads,
           "rounds": options.rounds, "seconds": options.seconds,
           "machine": machine.describe(options.fovea, REPOSITORY), "ceilings": None, "parity": [], "cases": []}
    try:
        raw["ceilings"] = fovea.ceilings()
        if not options.no_parity:
            raw["parity"] = check_parity(options, nets)
        for net, batch in options.nets:
            for mode in options.modes:
                say(f"{net}, batch {batch}, {mode}")
                raw["cases"].append(measure_case(options, fovea, net, batch, mode))
                write(options, raw)
    except Failure as failure:
        say(f"compare.py: {failure}")
        return 1
    print(report.markdown(raw), end="")
    agree = all(p["layers_agree"] and p.get("losses_agree", True) for p in raw["parity"])
    compared = all(case["comparison"] for case in raw["cases"])
    return 0 if agree and compared else 1


if __name__ == "__main__":
    sys.exit(main())
