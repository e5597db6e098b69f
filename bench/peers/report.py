# SPDX-License-Identifier: Apache-2.0
"""From the raw measurements of compare.py to its table. Works on a file of an earlier run too: report.py RAW.json"""
import json
import pathlib
import statistics
import sys

# What the project is to reach on the device cpu: ours / the fastest of PyTorch's variants, at these batches.
SPEED_BARS = {("lenet5", 64, "train"): 2.0, ("alexnet-cifar", 128, "train"): 1.2, ("alexnet", 32, "train"): 1.2,
              ("resnet18", 16, "train"): 1.1, ("lenet5", 64, "infer"): 1.2, ("alexnet-cifar", 128, "infer"): 1.2,
              ("alexnet", 32, "infer"): 1.2, ("resnet18", 16, "infer"): 1.2}
MEMORY_BAR = 0.6  # ours / theirs, at most


def speed(runs):
    return statistics.median(run["images_per_second"] for run in runs)


def peak(runs):
    peaks = [run["peak_bytes"] for run in runs]
    return None if None in peaks else max(peaks)


def compare(case, peer_device="cpu"):
    """Ours against the fastest variant of one net and mode; None when no variant ran."""
    theirs = {variant: peer["rounds"] for variant, peer in case["peers"].items() if peer.get("rounds")}
    if not theirs:
        return None
    fastest = max(theirs, key=lambda variant: speed(theirs[variant]))
    ours, best = case["fovea"], theirs[fastest]
    by_round = [a["images_per_second"] / b["images_per_second"] for a, b in zip(ours, best)]
    ratio = speed(ours) / speed(best)
    bar = SPEED_BARS.get((case["net"], case["batch"], case["mode"])) if peer_device == "cpu" else None
    memory = beyond_import = None
    if peak(ours) is not None and peak(best) is not None:
        memory = peak(ours) / peak(best)
        beyond_import = peak(ours) / max(1, peak(best) - case["peers"][fastest]["imported_bytes"])
    return {"fastest": fastest, "images_per_second": speed(ours), "pytorch_images_per_second": speed(best),
            "ratio": ratio, "ratio_min": min(by_round), "ratio_max": max(by_round),
            "bar": bar, "reached": None if bar is None else ratio >= bar,
            "memory_ratio": memory,
            "memory_reached": None if memory is None or peer_device != "cpu" else memory <= MEMORY_BAR,
            "memory_ratio_beyond_import": beyond_import}


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def mebibytes(value):
    return "-" if value is None else f"{value / 2**20:,.0f}"


def verdict(reached):
    return {None: "", True: " ok", False: " missed"}[reached]


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def ratio_row(case):
    c = case["comparison"]
    start = [case["net"], str(case["batch"]), case["mode"], number(speed(case["fovea"]))]
    if c is None:
        return start + ["-"] * 6
    memory = [f"{c[key]:.2f}" if c[key] is not None else "-" for key in ("memory_ratio", "memory_ratio_beyond_import")]
    return start + [f"{number(c['pytorch_images_per_second'])} ({c['fastest']})",
                    f"**{c['ratio']:.2f}** ({c['ratio_min']:.2f} to {c['ratio_max']:.2f})",
                    "-" if c["bar"] is None else f"≥ {c['bar']}{verdict(c['reached'])}",
                    memory[0] + verdict(c["memory_reached"]), memory[1],
                    f"{mebibytes(peak(case['fovea']))} / {mebibytes(peak(case['peers'][c['fastest']]['rounds']))}"]


def variant_rows(case):
    for variant, peer in case["peers"].items():
        runs = peer.get("rounds")
        cells = [number(speed(runs)), mebibytes(peak(runs)), mebibytes(peer["imported_bytes"])] if runs else [
            peer["error"], "-", "-"]
        yield [case["net"], str(case["batch"]), case["mode"], variant, *cells]


def parity_line(parity):
    if "worst_relative_difference" not in parity:
        return f"- {parity['net']}: layers {'agree' if parity.get('layers_agree') else 'DIFFER'}"
    agree = parity["layers_agree"] and parity["losses_agree"]
    return (f"- {parity['net']}: layers and the losses of {len(parity['losses'])} training steps "
            f"{'agree' if agree else 'DIFFER'}, worst relative difference {parity['worst_relative_difference']:.1e}")


def markdown(raw):
    machine, peers = raw["machine"], [p for case in raw["cases"] for p in case["peers"].values() if "torch" in p]
    torch = f"PyTorch {peers[0]['torch']} (oneDNN {peers[0]['onednn']})" if peers else "no PyTorch"
    on_gpu = raw.get("peer_device") == "cuda"
    gpu = f"{machine['gpu']}; " if on_gpu else ""
    memory = ("ours as planned (weights, gradients, momenta, activations; no library's workspace), PyTorch's the most "
              "that its tensors held after the warm-up." if on_gpu else
              "the peak of resident memory, PyTorch's without its warm-up; \"beyond import\" takes off what "
              "`import torch` alone keeps resident.")
    lines = [f"# Fovea on `{raw['device']}` beside PyTorch", "",
             f"{machine['fovea']}, commit {machine['commit']}; {torch}. {gpu}{machine['cpu']}, "
             f"{raw['threads']} threads of {machine['cores']} cores, load {machine['load_average']:.1f} at the start; "
             f"{raw['date']}.", "",
             f"Median of {raw['rounds']} rounds, in each of which Fovea and every variant of PyTorch ran for "
             f"{raw['seconds']:g} s in turn. The ratio is ours to the fastest variant (in brackets: of single rounds). "
             f"Memory is {memory}", ""]
    ceilings = raw["ceilings"]
    if ceilings:
        n = ceilings["matrix_size"]
        lines += [f"Ceilings: {ceilings['flops_per_second'] / 1e9:.3g} GFLOP/s in a product of {n}×{n} matrices, "
                  f"{ceilings['bytes_per_second'] / 1e9:.3g} GB/s in a copy.", ""]
    lines += table(["net", "batch", "mode", "Fovea images/s", "PyTorch images/s", "ratio", "bar", "memory ratio",
                    "beyond import", "peak MiB"], [ratio_row(case) for case in raw["cases"]])
    lines += ["", "## Every variant", ""]
    lines += table(["net", "batch", "mode", "variant", "images/s", "peak MiB", "import MiB"],
                   [row for case in raw["cases"] for row in variant_rows(case)])
    lines += ["", "## The same computation", ""] + ([parity_line(p) for p in raw["parity"]] or ["Not checked."])
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(json.loads(pathlib.Path(sys.argv[1]).read_text())), end="")
