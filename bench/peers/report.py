# SPDX-License-Identifier: Apache-2.0
"""From the raw measurements of compare.py to its table. Works on a file of an earlier run too: report.py RAW.json"""
import json
import pathlib
import statistics
import sys

from variants import VARIANTS

# What the project is to reach on the device cpu: ours / the fastest of PyTorch's variants, at these batches.
SPEED_BARS = {("lenet5", 64, "train"): 2.0, ("alexnet-cifar", 128, "train"): 1.2, ("alexnet", 32, "train"): 1.2,
              ("resnet18", 16, "train"): 1.1, ("lenet5", 64, "infer"): 1.2, ("alexnet-cifar", 128, "infer"): 1.2,
              ("alexnet", 32, "infer"): 1.2, ("resnet18", 16, "infer"): 1.2}
MEMORY_BAR = 0.6  # ours / theirs, at most
# On cuda: ours / this variant, in this precision (of lenet5 in any).
CUDA_BARS = {("alexnet", 128, "bf16"): {"max-autotune": 1.5, "default": 3},
             ("alexnet", 256, "bf16"): {"max-autotune": 1.4, "default": 3},
             ("alexnet", 1024, "bf16"): {"max-autotune": 1.2, "default": 3},
             ("alexnet-cifar", 512, "bf16"): {"max-autotune": 1.5},
             ("resnet50", 256, "bf16"): {"max-autotune": 1.2}, ("vgg16", 128, "bf16"): {"max-autotune": 1.05}}
SMALL_NET_BARS = {"default": 15, "max-autotune": 3, "compiled-graphed": 3, "graphed": 3}
CUDA_MEMORY_BARS = {("alexnet", 256): 0.7}
CUDA_ROOFLINE_BARS = {("alexnet", batch, "bf16"): 0.5 for batch in (128, 256, 1024)}


def speed(runs):
    return statistics.median(run["images_per_second"] for run in runs)


def peak(runs):
    peaks = [run["peak_bytes"] for run in runs]
    return None if None in peaks else max(peaks)


def bars_of(case, peer_device, precision):
    """By variant; "fastest" is whichever that is."""
    net, batch, mode = case["net"], case["batch"], case["mode"]
    if peer_device == "cpu":
        bar = SPEED_BARS.get((net, batch, mode))
        return {"fastest": bar} if bar else {}
    if mode != "train":
        return {}
    if net == "lenet5" and batch in (64, 256):
        return SMALL_NET_BARS
    return CUDA_BARS.get((net, batch, precision), {})


def memory_bar(case, peer_device):
    if peer_device == "cpu":
        return MEMORY_BAR
    return CUDA_MEMORY_BARS.get((case["net"], case["batch"])) if case["mode"] == "train" else None


def versus(case, variant, bars):
    """Ours against one variant."""
    theirs = case["peers"][variant]["rounds"]
    by_round = [a["images_per_second"] / b["images_per_second"] for a, b in zip(case["fovea"], theirs)]
    ratio, bar = speed(case["fovea"]) / speed(theirs), bars.get(variant)
    return {"ratio": ratio, "ratio_min": min(by_round), "ratio_max": max(by_round), "bar": bar,
            "reached": None if bar is None else ratio >= bar}


def compare(case, peer_device="cpu", precision="fp32"):
    """Ours against every variant of one net and mode, the fastest above all; None when no variant ran."""
    theirs = {variant: peer["rounds"] for variant, peer in case["peers"].items() if peer.get("rounds")}
    if not theirs:
        return None
    fastest = max(theirs, key=lambda variant: speed(theirs[variant]))
    ours, best, bars = case["fovea"], theirs[fastest], bars_of(case, peer_device, precision)
    memory = beyond_import = None
    if peak(ours) is not None and peak(best) is not None:
        memory = peak(ours) / peak(best)
        beyond_import = peak(ours) / max(1, peak(best) - case["peers"][fastest]["imported_bytes"])
    most = memory_bar(case, peer_device)
    roofline, least = ours[0].get("of_roofline"), CUDA_ROOFLINE_BARS.get((case["net"], case["batch"], precision))
    if peer_device == "cpu" or case["mode"] != "train":
        least = None
    return {"fastest": fastest, "images_per_second": speed(ours), "pytorch_images_per_second": speed(best),
            **versus(case, fastest, {fastest: bars.get("fastest")}),
            "variants": {variant: versus(case, variant, bars) for variant in theirs},
            "memory_ratio": memory, "memory_reached": None if memory is None or most is None else memory <= most,
            "memory_ratio_beyond_import": beyond_import, "of_roofline": roofline, "roofline_bar": least,
            "roofline_reached": None if roofline is None or least is None else roofline >= least}


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def mebibytes(value):
    return "-" if value is None else f"{value / 2**20:,.0f}"


def verdict(reached):
    return {None: "", True: " ok", False: " missed"}[reached]


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def ratio_text(c):
    return f"**{c['ratio']:.2f}** ({c['ratio_min']:.2f} to {c['ratio_max']:.2f})"


def bar_text(c):
    return "-" if c["bar"] is None else f"≥ {c['bar']:g}{verdict(c['reached'])}"


def roofline_text(c):
    if c.get("of_roofline") is None:
        return "-"
    bar = "" if c["roofline_bar"] is None else f" (≥ {100 * c['roofline_bar']:.0f} %{verdict(c['roofline_reached'])})"
    return f"{100 * c['of_roofline']:.0f} %{bar}"


def ratio_row(case):
    c = case["comparison"]
    start = [case["net"], str(case["batch"]), case["mode"], number(speed(case["fovea"]))]
    if c is None:
        return start + ["-"] * 7
    memory = [f"{c[key]:.2f}" if c[key] is not None else "-" for key in ("memory_ratio", "memory_ratio_beyond_import")]
    return start + [f"{number(c['pytorch_images_per_second'])} ({c['fastest']})",
                    ratio_text(c), bar_text(c), roofline_text(c), memory[0] + verdict(c["memory_reached"]), memory[1],
                    f"{mebibytes(peak(case['fovea']))} / {mebibytes(peak(case['peers'][c['fastest']]['rounds']))}"]


def variant_rows(case):
    for variant, peer in case["peers"].items():
        runs = peer.get("rounds")
        against = (case["comparison"] or {}).get("variants", {}).get(variant)  # reports of old have none
        ratio = [ratio_text(against), bar_text(against)] if against else ["-", "-"]
        cells = [number(speed(runs)), *ratio, mebibytes(peak(runs)), mebibytes(peer["imported_bytes"])] if runs else [
            peer["error"], "-", "-", "-", "-"]
        yield [case["net"], str(case["batch"]), case["mode"], variant, *cells]


def parity_line(parity):
    title = f"- {parity['net']}" + (f" in {parity['framework']}" if "framework" in parity else "")
    if "error" in parity:
        return f"{title}: not checked: {parity['error']}"
    if "worst_relative_difference" not in parity:
        return f"{title}: layers {'agree' if parity.get('layers_agree') else 'DIFFER'}"
    agree = parity["layers_agree"] and parity["losses_agree"]
    allowed = f" of {parity['tolerance']:g} allowed" if "tolerance" in parity else ""
    return (f"{title}: layers and the losses of {len(parity['losses'])} training steps "
            f"{'agree' if agree else 'DIFFER'}, worst relative difference {parity['worst_relative_difference']:.1e}"
            f"{allowed}")


def markdown(raw):
    machine, peers = raw["machine"], [p for case in raw["cases"] for p in case["peers"].values() if "torch" in p]
    on_gpu = raw.get("peer_device") == "cuda"
    library = "cuDNN" if on_gpu and peers and peers[0].get("cudnn") else "oneDNN"
    torch = f"PyTorch {peers[0]['torch']} ({library} {peers[0][library.lower()]})" if peers else "no PyTorch"
    jax = next((f", JAX {p['jax']}" for case in raw["cases"] for p in case["peers"].values() if "jax" in p), "")
    precision = raw.get("precision", "fp32")
    gpu = f"{machine['gpu']}; " if on_gpu else ""
    memory = ("ours as planned (weights, gradients, momenta, activations; no library's workspace), PyTorch's the most "
              "that its tensors held after the warm-up." if on_gpu else
              "the peak of resident memory, PyTorch's without its warm-up; \"beyond import\" takes off what "
              "`import torch` alone keeps resident.")
    lines = [f"# Fovea on `{raw['device']}` beside PyTorch" + ("" if precision == "fp32" else f", {precision}"), "",
             f"{machine['fovea']}, commit {machine['commit']}; {torch}{jax}. {gpu}{machine['cpu']}, "
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
    lines += table(["net", "batch", "mode", "Fovea images/s", "PyTorch images/s", "ratio", "bar", "of roofline",
                    "memory ratio", "beyond import", "peak MiB"], [ratio_row(case) for case in raw["cases"]])
    lines += ["", "## Every variant", ""]
    lines += table(["net", "batch", "mode", "variant", "images/s", "ratio", "bar", "peak MiB",
                    "import MiB"],
                   [row for case in raw["cases"] for row in variant_rows(case)])
    used = [name for name in VARIANTS if any(name in case["peers"] for case in raw["cases"])]
    lines += [""] + [f"- {name}: {VARIANTS[name].says}" for name in used]
    if raw.get("not_run"):
        left_out = ", ".join(f"{c['net']} {c['batch']} {c['mode']}" for c in raw["not_run"])
        lines += ["", f"Not run, for want of time: {left_out}."]
    lines += ["", "## The same computation", ""] + ([parity_line(p) for p in raw["parity"]] or ["Not checked."])
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(json.loads(pathlib.Path(sys.argv[1]).read_text())), end="")
