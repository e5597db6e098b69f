# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/performance.md, each a function of the raw measurements. Python's standard library only."""
import math

import raw
from ladder import means
from page import between, number, percent
from report import ratio_text, speed

BYTES_THAT_COUNT = 64e6  # the bar for kernels bound by memory speaks of tensors from here on
OPS_THAT_COUNT = ("max_pool2d", "batch_norm", "relu", "sgd")  # and of these; bias and input were not measured alone
TILE = 128
BLOCKS_AT_ONCE = 2 * 132  # two blocks of such a tile fit a multiprocessor (docs/kernels.md), an H100 has 132
DIRECTIONS = {"forward": "forward", "backward_data": "dx", "backward_weight": "dw", "backward_filter": "dw"}


def table(header, rows):
    """The first columns are words, the others numbers; ':' in front of a title says where those begin."""
    first = next((i for i, title in enumerate(header) if title.startswith(":")), len(header))
    titles = [title.removeprefix(":") for title in header]
    rule = "|" + "---|" * first + "---:|" * (len(header) - first)
    return "\n".join(["| " + " | ".join(titles) + " |", rule] + ["| " + " | ".join(row) + " |" for row in rows])


def thousands(value):
    return f"{float(f'{value:.3g}'):,.0f}"


def milliseconds(images, batch):
    return number(1e3 * batch / images)


def steps(results):
    rows, before = [], None
    for what, run, images, file in raw.alexnet_steps(results):
        factor = f"{images / before:.2f}" if before else ""
        rows.append([what, run, milliseconds(images, 128), thousands(images), factor,
                     f"[{file.split('/')[1]}](../bench/results/{file})"])
        before = images
    for variant, images in raw.pytorch_alexnet(results).items():
        rows.append([f"PyTorch, `{variant}`", "beside run 3", milliseconds(images, 128), thousands(images), "",
                     f"[peers-bf16-3.json](../bench/results/{raw.SECOND}/peers-bf16-3.json)"])
    return table(["", "run, commit", ":ms", "images/s", "times the row above", "raw data"], rows)


def title_of(measured):
    return f"{measured['net']}, {measured['batch']}, {measured['precision']}"


def kinds(results):
    measured = [raw.profile(results, name) for name in raw.PROFILES]
    sums = [raw.milliseconds_by_kind(one) for one in measured]
    rows = [[kind] + [percent(of[kind] / sum(of.values())) if of[kind] else "-" for of in sums] for kind in raw.KINDS]
    rows.append(["all layers, ms"] + [number(one["sum_ms"], 4) for one in measured])
    return table(["share of a step"] + [":" + title_of(one) for one in measured], rows)


def layers(results, most=10):
    small, large = (raw.profile(results, f"alexnet-{batch}-bf16") for batch in (128, 1024))
    at_1024 = {(row["layer"], row["direction"]): row for row in large["rows"]}
    rows = []
    for row in sorted(small["rows"], key=lambda row: -row["ms"])[:most]:
        other = at_1024[row["layer"], row["direction"]]
        rows.append([f"{row['layer']} {row['direction']}", row["op"], row["verdict"]] + [
            cell for one in (row, other)
            for cell in (number(one["ms"]), f"{100 * one['share']:.1f} %", percent(one["of roofline"]))])
    return table(["layer", "operation", "bound at 128", ":ms at 128", "share", "of roofline", "ms at 1024", "share",
                  "of roofline"], rows)


def captured(results):
    rows = []
    for name in raw.PROFILES:
        one = raw.profile(results, name)
        rows.append([title_of(one), str(one["launches"]), number(one["whole_ms"]), number(one["captured_ms"]),
                     percent(1 - one["captured_ms"] / one["whole_ms"]),
                     number(1e3 * one["captured_ms"] / one["launches"])])
    return table(["net, batch, precision", ":launches", "ms, call by call", "ms, captured", "saved",
                  "µs for each launch, captured"], rows)


def tera(row, name):
    return number(raw.time_of(row, name)["flops_per_second"] / 1e12)


def conv(results):
    rows = []
    for net in ("alexnet", "lenet5"):
        measured = raw.ladder(results, net)
        for row in measured["results"]:
            rows.append([f"{net} {row['name']}", DIRECTIONS[row["direction"]], number(row["roofline_us"]),
                         tera(row, "mma"), tera(row, "library"), f"{row['ratio']:.2f}", row["best"]])
        for direction, (mean, count) in means(measured["results"]).items():
            rows.append([f"{net}, mean of {count}", DIRECTIONS[direction], "", "", "", f"**{mean:.2f}**", ""])
    return table(["layer", "product", ":roofline, µs", "`mma`, TFLOP/s", "cuDNN, TFLOP/s", "ours : cuDNN",
                  "our fastest"], rows)


def waves(results):
    """Forward and dx of alexnet in tiles of 128 x 128: how much of the multiprocessors' places their blocks fill."""
    rows = []
    for row in raw.ladder(results, "alexnet")["results"]:
        forward = row["direction"] == "forward"
        down, across = (row["N"] * row["P"] * row["Q"], row["K"]) if forward else (
            row["N"] * row["H"] * row["W"], row["C"])
        if row["direction"] == "backward_filter" or row["stride"] != [1, 1] or across <= 64:
            continue  # other tiles, or a product for each class of a stride
        blocks = math.ceil(down / TILE) * math.ceil(across / TILE)
        rounds = math.ceil(blocks / BLOCKS_AT_ONCE)
        filled = down * across / TILE**2 / (rounds * BLOCKS_AT_ONCE)
        rate = raw.time_of(row, "mma")["flops_per_second"] / 1e12
        rows.append([f"{row['name']} {DIRECTIONS[row['direction']]}", f"{down} x {across}", str(blocks), str(rounds),
                     percent(filled), number(rate), number(rate / filled)])
    return table(["layer", "results", ":blocks", "rounds", "filled", "`mma`, TFLOP/s", "divided by filled"], rows)


def gemm(results):
    rows = [[DIRECTIONS[row["direction"]], number(row["tiled TFLOP/s"]), number(row["mma TFLOP/s"]),
             percent(row["mma of roofline"]), "refused" if row["library us"] == "-" else number(row["library us"])]
            for row in raw.gemm(results)]
    return table(["4096x4096x4096, bf16", ":`tiled`, TFLOP/s", "`mma`, TFLOP/s", "of the measured product", "cuBLASLt"],
                 rows)


def nets(results):
    rows, tuned = [], raw.auto(results)
    for (net, batch), entry in raw.native(results).items():
        found = tuned.get((net, batch))
        gain = [thousands(found["images/s"]), f"{found['images/s'] / entry['images_per_second']:.2f}"] if found else []
        rows.append([f"{net}, {batch}", thousands(entry["images_per_second"]), number(entry["milliseconds"]),
                     percent(entry["of_roofline"]), thousands(entry["planned_bytes"] / 2**20),
                     *(gain or ["-", "-"])])
    return table(["net, batch", ":native, images/s", "ms", "of roofline", "planned MiB", "auto, images/s",
                  "auto : native"], rows)


def peers(results):
    rows = []
    for measured in raw.peers(results):
        for case in measured["cases"]:
            against = case["comparison"]
            rows.append([f"{case['net']}, {case['batch']}, {measured['precision']}", f"`{measured['device']}`",
                         f"{against['fastest']} of {len(case['peers'])}", thousands(speed(case["fovea"])),
                         thousands(against["pytorch_images_per_second"]), ratio_text(against),
                         f"{against['memory_ratio']:.2f}"])
    return table(["net, batch, precision", "ours", "PyTorch's fastest", ":ours, images/s", "PyTorch, images/s",
                  "ratio", "memory"], rows)


def memory_rates(results):
    """(bytes/s, row) of every operation without FLOP that moves enough bytes, the largest of its kind in a profile."""
    best_copy = raw.native_ceilings(results)["bytes_per_second"]
    rates = []
    for name in ("alexnet-1024-bf16", "resnet18-64-bf16"):
        measured = raw.profile(results, name)
        largest = {}
        for row in measured["rows"]:
            key = row["op"], row["direction"]
            if row["GFLOP/s"] == 0 and row["bytes"] >= BYTES_THAT_COUNT:
                if key not in largest or row["bytes"] > largest[key]["bytes"]:
                    largest[key] = {**row, "net": measured["net"], "copy": measured["copy"], "best_copy": best_copy}
        rates += [(row["bytes"] / row["ms"] * 1e3, row) for _, row in sorted(largest.items())]
    return rates


def memory_bound(results):
    rows = [[f"{row['op']} {row['direction']}", f"{row['net']} {row['layer']}", thousands(row["bytes"] / 1e6),
             thousands(rate / 1e9), percent(rate / row["copy"]), percent(rate / row["best_copy"])]
            for rate, row in memory_rates(results)]
    return table(["operation", "layer", ":MB", "GB/s", "of this run's copy", "of the fastest copy"], rows)


def fastest_seen(results):
    """FLOP/s of cuDNN's fastest convolution, and bytes/s of the fastest copy or kernel that moves a lot."""
    rates = [rate for rate, _ in memory_rates(results)]
    return raw.fastest_convolution(results), max(raw.native_ceilings(results)["bytes_per_second"], *rates)


def roofline_shares(results):
    """(net, batch, at least, at most): AlexNet's steps against the fastest seen. A roofline that goes layer by layer
    lies between the longer of all FLOP and all bytes, and their sum."""
    flops, copy = fastest_seen(results)
    for (net, batch), entry in raw.native(results).items():
        if net == "alexnet":
            times = [1e3 * entry["flops"] / flops, 1e3 * entry["bytes"] / copy]
            yield net, batch, max(times) / entry["milliseconds"], sum(times) / entry["milliseconds"]


def bounds(results):
    flops, copy = fastest_seen(results)
    rows = []
    for net, batch, least, most in roofline_shares(results):
        entry = raw.native(results)[net, batch]
        rows.append([f"{net}, {batch}", number(entry["milliseconds"]), number(1e3 * entry["flops"] / flops),
                     number(1e3 * entry["bytes"] / copy), percent(entry["of_roofline"]), percent(least), percent(most)])
    return table(["net, batch", ":native, ms", f"FLOP at {number(flops / 1e12)} TFLOP/s, ms",
                  f"bytes at {number(copy / 1e9)} GB/s, ms", "share of our own roofline", "of this one, at least",
                  "at most"], rows)


def cpu(results):
    rows = []
    for case in results.json(raw.CPU, "peers-cpu.json")["cases"]:
        against = case["comparison"]
        rows.append([f"{case['net']}, {case['batch']}", case["mode"], against["fastest"], ratio_text(against),
                     f"{against['bar']:g}", "reached" if against["reached"] else "**missed**",
                     f"{against['memory_ratio']:.2f}"])
    return table(["net, batch", "mode", "PyTorch's fastest", ":ratio", "bar", "", "memory"], rows)


def verdict(ok):
    return "reached" if ok else "**missed**"


def on_copies(direction):
    """What the notes say about every dw of the library in 16 bits."""
    return "; dw against cuDNN on float32 copies" if direction == "backward_filter" else ""


def bars(results):
    """The bars of which something was measured: what was asked, what came out. All others are in the page's text."""
    native, tuned = raw.native(results), raw.auto(results)
    convolutions = raw.ladder(results, "alexnet")["results"]
    first = raw.ladder(results, "lenet5")["results"]
    rows = []
    for net, batch, least, most in roofline_shares(results):
        own = native[net, batch]["of_roofline"]
        stricter = verdict(least >= 0.5) if (least >= 0.5) == (most >= 0.5) else "open"
        rows.append([f"{net} {batch}, bf16: share of the roofline", "≥ 50 %",
                     f"{percent(own)} of our own ceilings; {percent(least)} to {percent(most)} of the fastest seen",
                     f"{verdict(own >= 0.5)}; {stricter} by the stricter one"])
    lenet = next(c for c in raw.peers(results)[0]["cases"] if c["net"] == "lenet5")["comparison"]
    eager = lenet["variants"]["eager"]["ratio"] if "variants" in lenet else lenet["ratio"]
    rates = [(rate, row) for rate, row in memory_rates(results) if row["op"] in OPS_THAT_COUNT]
    by_own, by_best = (sum(rate / row[key] >= 0.9 for rate, row in rates) for key in ("copy", "best_copy"))
    rows.append(["pool, batch norm, ReLU, optimizer from 64 MB on: share of a copy", "≥ 90 %",
                 f"{by_own} of {len(rates)} by their own run's copy, {by_best} by the fastest",
                 verdict(by_own == len(rates))])
    rows.append(["lenet5 64: beside eager PyTorch (fused SGD)", "≥ 15", f"{eager:.2f} in fp32, not captured",
                 verdict(eager >= 15)])
    memory = next(c for c in raw.peers(results)[-1]["cases"] if c["net"] == "alexnet")["comparison"]["memory_ratio"]
    rows.append(["alexnet: memory beside PyTorch's", "≤ 0.7 at 256", f"{memory:.2f} at 128",
                 f"at 128 {verdict(memory <= 0.7)}; 256 not measured"])
    for direction, (mean, count) in means(convolutions).items():
        rows.append([f"convolutions in bf16, {DIRECTIONS[direction]}: beside cuDNN", "≥ 0.60",
                     f"{mean:.2f} (alexnet alone, {count} shapes)", verdict(mean >= 0.6) + on_copies(direction)])
    for net, ladder, layer in [("alexnet", convolutions, "features-0"), ("lenet5", first, "conv1")]:
        ratios = [row["ratio"] for row in ladder if row["name"] == layer]
        rows.append([f"first layer of {net}, forward and dw: beside cuDNN", "> 1",
                     " and ".join(f"{ratio:.2f}" for ratio in ratios), verdict(min(ratios) > 1)
                     + on_copies("backward_filter")])
    gains = sorted(tuned[net]["images/s"] / native[net]["images_per_second"] for net in tuned)
    rows.append(["`auto` beside the better engine alone", "≥ 0.98",
                 f"{gains[len(gains) // 2]:.2f} of native, the median of {len(gains)}",
                 "open: `library` was not run alone"])
    return table(["work", "bar", "measured on an H100", ""], rows)


TABLES = {function.__name__: function for function in
          (steps, kinds, layers, captured, conv, waves, gemm, nets, peers, memory_bound, bounds, bars, cpu)}


def markers(name):
    return f"<!-- {name}: written by bench/plots.py -->", f"<!-- end of {name} -->"


def with_tables(page, results):
    """The page with every table between its markers."""
    for name, function in TABLES.items():
        page = between(page, *markers(name), results.shown(name, function))
    return page
