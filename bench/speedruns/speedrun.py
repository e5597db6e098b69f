#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training to an accuracy against the clock, over several seeds, on the same GPU and data.

    speedrun.py mnist --data data/mnist                                          # ours to 99 %
    speedrun.py cifar10 --data data/cifar10 --python PYTHON_WITH_TORCH           # ours beside airbench.py

The length of a run is fixed beforehand by its recipe; it reaches a target when the mean accuracy over the seeds does.
The target of MNIST is 99 %, that of CIFAR-10 what airbench.py reaches on the same files. Seconds are those of the
training steps. Ours and theirs take turns. Writes OUT/speedrun-NAME.json, every run, and OUT/speedrun-NAME.md. Needs
nothing but Python's standard library itself.
"""
import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "peers"))
import machine  # noqa: E402 (the folder must be known first)

TARGET = {"mnist": 0.99}  # of CIFAR-10: the peer's
SECONDS_BAR, RATIO_BAR = {"mnist": 0.1}, {"cifar10": 0.7}  # the project's: less than so long; ours / theirs, at most
LEAST_SEEDS = 5


class Failure(Exception):
    """A program that was to be measured failed; the message is its own."""


def output_of(command):
    ran = subprocess.run([str(word) for word in command], cwd=REPOSITORY, capture_output=True, text=True)
    if ran.returncode != 0:
        raise Failure((ran.stderr.strip() or f"ended with exit code {ran.returncode}").splitlines()[-1])
    return ran.stdout


def our_run(options, seed):
    with tempfile.TemporaryDirectory(prefix="fovea-speedrun-") as folder:
        result = json.loads(output_of(
            [options.fovea, "train", "--recipe", HERE / f"{options.name}.toml",
             "--data", f"{options.name}:{options.data}", "--seed", seed, "--device", options.device,
             "--precision", options.precision, "--augment-on", "device", "--out", f"{folder}/run", "--json", "--quiet",
             *options.train]))
    return {"seed": seed, **{key: result[key] for key in ("train_seconds", "test_accuracy")}}


def their_run(options, seed):
    device = "cuda" if options.device.startswith("cuda") else "cpu"
    result = json.loads(output_of([options.python, HERE / "airbench.py", f"cifar10:{options.data}", "--seeds", seed,
                                   "--device", device, *options.airbench]))
    return {"seed": seed, **{key: result[key] for key in ("train_seconds", "test_accuracy")},
            "torch": result["torch"]}


def summary(runs):
    seconds, accuracies = ([run[key] for run in runs] for key in ("train_seconds", "test_accuracy"))
    return {"seconds": statistics.median(seconds), "seconds_min": min(seconds), "seconds_max": max(seconds),
            "accuracy": statistics.mean(accuracies), "accuracy_min": min(accuracies), "accuracy_max": max(accuracies)}


def judge(raw):
    """What the runs come to; a time counts only where the target is reached."""
    ours, theirs = summary(raw["fovea"]), summary(raw["airbench"]) if raw["airbench"] else None
    target = TARGET.get(raw["name"], theirs and theirs["accuracy"])
    reached = None if target is None else ours["accuracy"] >= target
    ratio = theirs and ours["seconds"] / theirs["seconds"]
    bars = []
    if raw["name"] in SECONDS_BAR:
        bars.append(ours["seconds"] < SECONDS_BAR[raw["name"]])
    if raw["name"] in RATIO_BAR and ratio is not None:
        bars.append(ratio <= RATIO_BAR[raw["name"]])
    return {"ours": ours, "airbench": theirs, "target": target, "target_reached": reached, "ratio": ratio,
            "bar_reached": None if reached is None or not bars else reached and all(bars)}


def markdown(raw):
    verdict, m = raw["verdict"], raw["machine"]
    gpu = f"{m['gpu']}; " if raw["device"].startswith("cuda") else ""
    lines = [f"# Speed run: {raw['name']} on `{raw['device']}`, {raw['precision']}", "",
             f"{m['fovea']}, commit {m['commit']}. {gpu}{m['cpu']}, {m['cores']} cores, load {m['load_average']:.1f} "
             f"at the start; {raw['date']}. Seconds of the training steps, median; accuracy on the test images, mean; "
             f"in brackets the least and the greatest of {len(raw['fovea'])} seeds.", "",
             "| | s | test accuracy |", "|---|---|---|"]
    for name, s in (("Fovea", verdict["ours"]), ("airbench94 in PyTorch", verdict["airbench"])):
        if s:
            accuracies = f"({100 * s['accuracy_min']:.2f} to {100 * s['accuracy_max']:.2f})"
            lines.append(f"| {name} | {s['seconds']:.3g} ({s['seconds_min']:.3g} to {s['seconds_max']:.3g}) | "
                         f"{100 * s['accuracy']:.2f} % {accuracies} |")
    if verdict["target"] is not None:
        reached = "reached" if verdict["target_reached"] else "missed"
        lines += ["", f"Target {100 * verdict['target']:.2f} %: {reached}."]
    if verdict["ratio"] is not None:
        lines += ["", f"Ours takes {verdict['ratio']:.2f} of its time"
                  + ("." if verdict["target_reached"] else ", without its accuracy.")]
    if raw["airbench_error"]:
        lines += ["", f"airbench94 was not run: {raw['airbench_error']}."]
    if raw["name"] in SECONDS_BAR:
        lines += ["", f"Bar: less than {SECONDS_BAR[raw['name']]:g} s"]
    elif raw["name"] in RATIO_BAR:
        lines += ["", f"Bar: at most {RATIO_BAR[raw['name']]:g} of airbench94's time"]
    if raw["name"] in SECONDS_BAR or raw["name"] in RATIO_BAR:
        lines[-1] += {None: ", not measured.", True: ": ok.", False: ": missed."}[verdict["bar_reached"]]
    return "\n".join(lines) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("name", choices=["mnist", "cifar10"])
    parser.add_argument("--data", required=True, type=pathlib.Path, help="the folder with its files")
    parser.add_argument("--fovea", type=pathlib.Path, default=REPOSITORY / "build/release/cli/fovea")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torch (default: this one)")
    parser.add_argument("--device", default="cuda", help="NAME or NAME:ENGINE")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16", "fp16"], default="bf16", help="of Fovea")
    parser.add_argument("--seeds", type=int, default=LEAST_SEEDS, help=f"how many, at least {LEAST_SEEDS}")
    parser.add_argument("--train", nargs="+", default=[], metavar="WORD",
                        help="more of fovea train: --train=--max-steps=2 tries this program")
    parser.add_argument("--airbench", nargs="+", default=[], metavar="WORD", help="more of airbench.py, likewise")
    parser.add_argument("--out", type=pathlib.Path, default=REPOSITORY / "bench/results")
    options = parser.parse_args()
    if options.seeds < LEAST_SEEDS:
        parser.error(f"--seeds: expected at least {LEAST_SEEDS}, got {options.seeds}")
    options.data, options.fovea, options.out = (path.absolute() for path in (options.data, options.fovea, options.out))
    return options


def main():
    options = parse_arguments()
    raw = {"name": options.name, "date": datetime.date.today().isoformat(), "device": options.device,
           "precision": options.precision, "machine": machine.describe(options.fovea, REPOSITORY),
           "changed": [*options.train, *options.airbench], "fovea": [], "airbench": [], "airbench_error": None}
    for seed in range(1, options.seeds + 1):
        try:
            raw["fovea"].append(our_run(options, seed))
        except (Failure, OSError) as failure:
            print(f"speedrun.py: {failure}", file=sys.stderr)
            return 1
        if options.name == "cifar10" and raw["airbench_error"] is None:
            try:
                raw["airbench"].append(their_run(options, seed))
            except (Failure, OSError) as failure:
                raw["airbench_error"] = str(failure)
        last = {"fovea": raw["fovea"][-1], "airbench": raw["airbench"][-1:]}
        print(f"seed {seed}: {json.dumps(last)}", file=sys.stderr, flush=True)
    raw["verdict"] = judge(raw)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"speedrun-{options.name}.json").write_text(json.dumps(raw, indent=1) + "\n")
    (options.out / f"speedrun-{options.name}.md").write_text(markdown(raw))
    print(markdown(raw), end="")
    return 0 if raw["verdict"]["target_reached"] else 1


if __name__ == "__main__":
    sys.exit(main())
