# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/performance.md, each a function of the raw measurements. Python's standard library only."""
import math

import raw
from ladder import means
from page import between, geometric_mean, number, percent
from report import ratio_text, speed

BYTES_THAT_COUNT = 64e6  # the bar for kernels bound by memory speaks of tensors from here on
OPS_THAT_COUNT = ("max_pool2d", "batch_norm", "relu", "sgd")  # and of these; bias and input were not measured alone
MULTIPROCESSORS = 132  # of an H100
COLUMNS = {"L": 128, "N": 64}  # of the tiles of 128 rows
TOGETHER = {"L": 2, "N": 3}  # blocks of such a tile that share a multiprocessor (cuda/kernels/mma_choice.cuh)
PRODUCTS = ["forward", "backward_data", "backward_filter"]  # of convolutions, in the order of the page
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
    for engine, what, run, images, file in raw.alexnet_steps(results):
        factor = f"{images / before:.2f}" if before else ""
        rows.append([what, run, milliseconds(images, 128), thousands(images), factor,
                     f"[{file.split('/')[1]}](../bench/results/{file})"])
        before = images if engine == "native" else before
    for variant, images in raw.pytorch_alexnet(results).items():
        rows.append([f"PyTorch, `{variant}`", "beside run 3", milliseconds(images, 128), thousands(images), "",
                     f"[peers-bf16-3.json](../bench/results/{raw.SECOND}/peers-bf16-3.json)"])
    return table(["", "run, commit", ":ms", "images/s", "gain", "raw data"], rows)


def title_of(measured):
    return f"{measured['net']}, {measured['batch']}, {measured['precision']}, run {measured['run']}"


def kinds(results):
    measured = [raw.profile(results, name) for name in raw.PROFILES]
    sums = [raw.milliseconds_by_kind(one) for one in measured]
    rows = [[kind] + [percent(of[kind] / sum(of.values())) if of[kind] else "-" for of in sums] for kind in raw.KINDS]
    rows.append(["all layers, ms"] + [number(one["sum_ms"], 4) for one in measured])
    return table(["share of a step"] + [":" + title_of(one) for one in measured], rows)


def layers(results, most=6):
    """The longest rows of AlexNet's newest profile, beside what they took in run 2."""
    newest, before = (raw.profile(results, "alexnet-128-bf16", run) for run in (None, 2))
    old = {(row["layer"], row["direction"]): row["ms"] for row in before["rows"]}
    rows = []
    for row in sorted(newest["rows"], key=lambda row: -row["ms"])[:most]:
        ms = old[row["layer"], row["direction"]]
        rows.append([f"{row['layer']} {row['direction']}", row["op"], row["verdict"], number(row["ms"]),
                     f"{100 * row['share']:.1f} %", percent(row["of roofline"]), number(ms),
                     f"{ms / row['ms']:.2f}"])
    return table(["layer", "operation", "bound", f":ms, run {newest['run']}", "share", "of roofline",
                  f"ms, run {before['run']}", "gain"], rows)


def captured(results):
    rows = []
    for name in raw.PROFILES:
        one = raw.profile(results, name)
        rows.append([title_of(one), str(one["launches"]), number(one["whole_ms"]), number(one["captured_ms"]),
                     percent(1 - one["captured_ms"] / one["whole_ms"]),
                     number(1e3 * one["captured_ms"] / one["launches"])])
    return table(["net, batch, precision, run", ":launches", "ms, call by call", "ms, captured", "saved",
                  "µs for each launch, captured"], rows)


def tera(row, name):
    return number(raw.time_of(row, name)["flops_per_second"] / 1e12)


def conv(results):
    """A row for each layer: TFLOP/s of our fastest and of cuDNN, and their ratio, in each direction."""
    rows = []
    for net in raw.LADDERS:
        measured = raw.ladder(results, net)["results"]
        for layer in dict.fromkeys(row["name"] for row in measured):
            of = {row["direction"]: row for row in measured if row["name"] == layer}
            cells = []
            for row in map(of.get, PRODUCTS):
                if row is None:
                    cells += ["-", "-"]
                    continue
                other = "" if row["best"] == "mma" else f" ({row['best']})"
                cells += [f"{tera(row, row['best'])}{other}, {tera(row, 'library')}", f"{row['ratio']:.2f}"]
            rows.append([f"{net} {layer}", *cells])
        mean = means(measured)
        rows.append([f"{net}, means"] + [cell for direction in PRODUCTS for cell in
                                         (f"of {mean[direction][1]}", f"**{mean[direction][0]:.2f}**")])
    return table(["TFLOP/s, ours and cuDNN's"] + [title for direction in PRODUCTS
                                                  for title in (":" + DIRECTIONS[direction], "ratio")], rows)


def results_of(row):
    """Rows and columns of the matrix that a product of the ladder forward, or of dx with stride 1, writes."""
    if row["direction"] == "forward":
        return row["N"] * row["P"] * row["Q"], row["K"]
    return row["N"] * row["H"] * row["W"], row["C"]


def rounds(down, across, tile):
    """(blocks, how often blocks of this tile take the others' places)."""
    blocks = math.ceil(down / 128) * math.ceil(across / COLUMNS[tile])
    return blocks, math.ceil(blocks / (TOGETHER[tile] * MULTIPROCESSORS))


def tiles(results):
    """Forward and dx of alexnet behind the first layer: rounds and times of two tiles; choose_mma_tile's choice."""
    rows, products, measured = [], raw.ladder(results, "alexnet")["results"], raw.tiles(results)
    for row in products:
        if row["direction"] == "backward_filter" or row["stride"] != [1, 1]:
            continue  # other tiles, or a product for each class of a stride
        down, across = results_of(row)
        of = {tile: rounds(down, across, tile) for tile in COLUMNS}
        taken = "N" if across <= 64 or 14 * of["N"][1] < 15 * of["L"][1] else "L"
        places = of[taken][1] * TOGETHER[taken] * MULTIPROCESSORS * 128 * COLUMNS[taken]
        shape = "f" + row["name"].removeprefix("features-") + ("" if row["direction"] == "forward" else "dx")
        times = measured["f10" if shape == "f10dx" else shape]  # dx of features-10 is the same product as its forward
        rows.append([f"{row['name']} {DIRECTIONS[row['direction']]}", f"{down} x {across}", str(of["L"][1]),
                     str(of["N"][1]), number(times["L"]), number(times["N"]), f"128 x {COLUMNS[taken]}",
                     percent(down * across / places), tera(row, "mma")])
    return table(["layer", "results", ":rounds, 128 x 128", "rounds, 128 x 64", "µs, 128 x 128", "µs, 128 x 64",
                  "taken", "filled", "TFLOP/s, run 6"], rows)


def gemm(results):
    rows = [[DIRECTIONS[row["direction"]], *(tera(row, name) for name in ("tiled", "mma", "library")),
             f"{row['ratio']:.2f}"] for row in raw.gemm(results)]
    return table(["4096x4096x4096, bf16", ":`tiled`, TFLOP/s", "`mma`, TFLOP/s", "cuBLASLt, TFLOP/s",
                  "ours : cuBLASLt"], rows)


def gains(results):
    """{(net, batch): (entry of auto, how much faster it is than native in the same run)}"""
    native = {run: raw.native(results, run) for run in (4, 6)}
    return {net: (entry, entry["images_per_second"] / native[entry["run"]][net]["images_per_second"])
            for net, entry in raw.auto(results).items()}


def nets(results):
    rows, tuned, before = [], gains(results), raw.native(results, 4)
    for (net, batch), entry in raw.native(results).items():
        found, gain = tuned.get((net, batch), (None, None))
        cells = ["-", "-"]
        if found:
            note = "" if found["run"] == 6 else f" (run {found['run']})"
            cells = [thousands(found["images_per_second"]) + note, f"{gain:.2f}"]
        rows.append([f"{net}, {batch}", thousands(entry["images_per_second"]), number(entry["milliseconds"]),
                     percent(before[net, batch]["of_roofline"]), percent(entry["of_roofline"]),
                     thousands(entry["planned_bytes"] / 2**20), *cells])
    return table(["net, batch", ":native, images/s", "ms", "of roofline, run 4", "run 6", "planned MiB",
                  "auto, images/s", "auto : native"], rows)


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
    """(bytes/s, row) of every operation without FLOP that moves enough bytes, the largest of its kind and net."""
    best_copy, largest = raw.fastest_copy(results), {}
    for name in ("alexnet-128-bf16", "alexnet-1024-bf16", "resnet18-64-bf16"):
        measured = raw.profile(results, name)
        for row in measured["rows"]:
            key = measured["net"], row["op"], row["direction"]
            before = largest[key]["bytes"] if key in largest else 0
            if row["GFLOP/s"] == 0 and row["bytes"] >= BYTES_THAT_COUNT and row["bytes"] > before:
                largest[key] = {**row, "of": f"{measured['net']} {measured['batch']}", "run": measured["run"],
                                "copy": measured["copy"], "best_copy": best_copy}
    return [(row["bytes"] / row["ms"] * 1e3, row) for _, row in sorted(largest.items())]


def memory_bound(results):
    rows = [[f"{row['op']} {row['direction']}", f"{row['of']}, {row['layer']}", str(row["run"]),
             thousands(row["bytes"] / 1e6), thousands(rate / 1e9), percent(rate / row["copy"]),
             percent(rate / row["best_copy"])]
            for rate, row in memory_rates(results)]
    return table(["operation", "net, batch, layer", "run", ":MB", "GB/s", "of that run's copy", "of the fastest copy"],
                 rows)


def fastest_seen(results):
    """FLOP/s of the fastest product, and bytes/s of the fastest copy or kernel that moves a lot."""
    return raw.fastest_product(results), max(raw.fastest_copy(results), *(rate for rate, _ in memory_rates(results)))


def layer_by_layer(results):
    """Milliseconds of AlexNet's step at 128 images, each row of its profile by the fastest seen."""
    flops, copy = fastest_seen(results)
    return sum(max(row["GFLOP/s"] * row["ms"] * 1e6 / flops, row["bytes"] / copy) * 1e3
               for row in raw.profile(results, "alexnet-128-bf16")["rows"])


def roofline_rows(results):
    """AlexNet's steps against the fastest seen: a dictionary for each batch. A roofline that goes layer by layer lies
    between the longer of all FLOP and all bytes, and their sum; at 128 images the profile tells which it is."""
    flops, copy = fastest_seen(results)
    first = next(row for row in raw.ladder(results, "alexnet")["results"] if row["name"] == "features-0")
    for (net, batch), entry in raw.native(results).items():
        if net == "alexnet":
            # bench counts the gradient of the images, which nobody computes
            done = entry["flops"] - first["flops"] * batch / first["N"]
            times = [1e3 * done / flops, 1e3 * entry["bytes"] / copy]
            ms = entry["milliseconds"]
            yield {"batch": batch, "ms": ms, "flops": times[0], "bytes": times[1], "own": entry["of_roofline"],
                   "least": max(times) / ms, "most": sum(times) / ms,
                   "exact": layer_by_layer(results) / ms if batch == 128 else None}


def bounds(results):
    flops, copy = fastest_seen(results)
    rows = [[f"alexnet, {row['batch']}", number(row["ms"]), number(row["flops"]), number(row["bytes"]),
             percent(row["least"]), percent(row["most"]), f"{100 * row['exact']:.1f} %" if row["exact"] else "-"]
            for row in roofline_rows(results)]
    return table(["net, batch", ":native, ms", f"FLOP at {number(flops / 1e12)} TFLOP/s, ms",
                  f"bytes at {number(copy / 1e9)} GB/s, ms", "share, at least", "at most", "layer by layer"], rows)


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


ON_COPIES = "; dw against cuDNN on float32 copies"  # what the notes say about every dw of the library in 16 bits


def roofline_bars(results):
    before = raw.native(results, 4)
    for row in roofline_rows(results):
        if row["exact"]:
            shown, stricter = f"{100 * row['exact']:.1f} %", verdict(row["exact"] >= 0.5)
        else:
            shown = f"{percent(row['least'])} to {percent(row['most'])}"
            stricter = verdict(row["least"] >= 0.5) if (row["least"] >= 0.5) == (row["most"] >= 0.5) else "open"
        own = before["alexnet", row["batch"]]["of_roofline"], row["own"]
        yield [f"alexnet {row['batch']}, bf16: share of the roofline", "≥ 50 %",
               f"{percent(own[0])} and {percent(own[1])} of the ceilings of runs 4 and 6; {shown} of the fastest seen",
               f"{verdict(min(own) >= 0.5)}; {stricter} by the stricter one"]


def each(ratios, bar):
    """Verdict on a bar for forward, dx and dw at once: which of them reach it."""
    reached = [name for name, ratio in ratios if ratio >= bar]
    missed = [name for name, ratio in ratios if ratio < bar]
    if not reached or not missed:
        return verdict(reached)
    return f"{' and '.join(reached)} reached; {' and '.join(missed)} **missed**"


def named_means(rows):
    found = means(rows)
    return [(DIRECTIONS[direction], found[direction][0]) for direction in PRODUCTS]


def listed(ratios):
    return ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios)


def bars(results):
    """The bars of which something was measured: what was asked, what came out. All others are in the page's text."""
    convolutions = raw.ladder(results, "alexnet")["results"]
    first = raw.ladder(results, "lenet5")["results"]
    rows = list(roofline_bars(results))
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
    rows.append(["alexnet: memory beside PyTorch's", "≤ 0.7 at 256", f"{memory:.2f} at 128, run 3",
                 f"at 128 {verdict(memory <= 0.7)}; 256 not measured"])
    found = named_means(convolutions)
    rows.append(["convolutions in bf16, means: beside cuDNN", "≥ 0.60",
                 f"{listed(found)} (alexnet alone, {len(convolutions)} products)",
                 each(found, 0.6) + ON_COPIES])
    for net, ladder, layer in [("alexnet", convolutions, "features-0"), ("lenet5", first, "conv1")]:
        ratios = [row["ratio"] for row in ladder if row["name"] == layer]
        rows.append([f"first layer of {net}, forward and dw: beside cuDNN", "> 1",
                     " and ".join(f"{ratio:.2f}" for ratio in ratios), verdict(min(ratios) > 1)
                     + ON_COPIES])
    exact = raw.ladder_fp32x3(results)["results"]
    mean = geometric_mean([row["ratio"] for row in exact])
    rows.append(["convolutions in fp32x3: beside cuDNN in float32", "≥ 1.5",
                 f"{mean:.3f} (alexnet alone, {len(exact)} products; {listed(named_means(exact))})",
                 verdict(mean >= 1.5)])
    ratios = [(DIRECTIONS[row["direction"]], row["ratio"]) for row in raw.gemm(results)]
    rows.append(["product of 4096 in bf16: beside cuBLASLt", "≥ 0.60",
                 listed(ratios), each(ratios, 0.6)])
    seconds, accuracies = zip(*raw.mnist(results))
    rows.append(["MNIST to 99 %", "< 0.1 s",
                 f"{sorted(seconds)[len(seconds) // 2]:.2f} s, the median of {len(seconds)} seeds; "
                 f"{100 * min(accuracies):.2f} to {100 * max(accuracies):.2f} %",
                 verdict(max(seconds) < 0.1 and min(accuracies) >= 0.99)])
    by_gain = sorted(gain for _, gain in gains(results).values())
    rows.append(["`auto` beside the better engine alone", "≥ 0.98",
                 f"{by_gain[0]:.2f} to {by_gain[-1]:.2f} of native in the same run, {len(by_gain)} cases",
                 "open: `library` was not run alone"])
    return table(["work", "bar", "measured on an H100", ""], rows)


TABLES = {function.__name__: function for function in
          (steps, kinds, layers, captured, conv, tiles, gemm, nets, peers, memory_bound, bounds, bars, cpu)}


def markers(name):
    return f"<!-- {name}: written by bench/plots.py -->", f"<!-- end of {name} -->"


def with_tables(page, results):
    """The page with every table between its markers."""
    for name, function in TABLES.items():
        page = between(page, *markers(name), results.shown(name, function))
    return page
