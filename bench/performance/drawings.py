# SPDX-License-Identifier: Apache-2.0
"""The pictures of docs/performance.md. What is drawn is gathered by series_of() without matplotlib; a picture holds the
digest of its series, so that a test without matplotlib sees when it is not of these measurements."""
import hashlib
import json

import raw
from page import number

BLUE, LIGHT, ORANGE, GREY, GREEN, INK = "#2f5f9f", "#9dbbe0", "#d0792b", "#8a949e", "#3f8f5f", "#1d2733"
H100_BF16 = "NVIDIA H100 80GB HBM3, bf16, 27 Nov 2026"
COMMIT = {run: f"run {run}, commit {commit}" for run, commit in raw.COMMITS.items()}
DIRECTIONS = {"forward": "forward", "backward_data": "dx", "backward_filter": "dw"}


def steps(results):
    bars = [[engine, what.replace("`", ""), run, images] for engine, what, run, images, _ in raw.alexnet_steps(results)]
    return {"bars": bars, "pytorch": raw.pytorch_alexnet(results)}


def kinds(results):
    nets = {}
    for name in raw.PROFILES:
        one = raw.profile(results, name)
        title = f"{one['net']}, {one['batch']}, {one['precision']}, run {one['run']}"
        nets[title] = [one["sum_ms"], raw.milliseconds_by_kind(one)]
    return nets


def layers(results):
    rows = raw.profile(results, "alexnet-128-bf16")["rows"]
    return [[f"{row['layer']} {row['direction']}", row["op"], row["ms"], row["of roofline"]] for row in rows
            if row["share"] >= 0.01]


def rungs(results):
    rows = []
    for row in raw.ladder(results, "alexnet")["results"]:
        rates = {time["name"]: time["flops_per_second"] / 1e12 for time in row["times"]}
        rows.append([f"{row['name']} {DIRECTIONS[row['direction']]}", rates, row["flops"] / row["roofline_us"] / 1e6])
    return rows


def ratios(results):
    return [[f"{net} {row['name']} {DIRECTIONS[row['direction']]}", row["ratio"]] for net in ("alexnet", "lenet5")
            for row in raw.ladder(results, net)["results"]]


def peers(results):
    rows = []
    for measured in raw.peers(results):
        for case in measured["cases"]:
            against = case["comparison"]
            rows.append([f"{case['net']}, {case['batch']}, {measured['precision']}, {measured['device'].split(':')[1]}",
                         against["ratio"], against["ratio_min"], against["ratio_max"], against["fastest"]])
    return sorted(rows)


def cpu(results):
    rows = []
    for case in results.json(raw.CPU, "peers-cpu.json")["cases"]:
        against = case["comparison"]
        rows.append([f"{case['net']}, {case['batch']}, {case['mode']}", against["ratio"], against["ratio_min"],
                     against["ratio_max"], against["bar"]])
    return rows


SERIES = {"alexnet-steps": steps, "step-by-kind": kinds, "alexnet-layers": layers, "convolution-rungs": rungs,
          "convolution-ratios": ratios, "peers-gpu": peers, "peers-cpu": cpu}


def digest(name, results):
    return hashlib.sha256(json.dumps(results.shown(name, SERIES[name])).encode()).hexdigest()[:16]


class Sheet:
    """A figure whose one axes has rows of words at its left; all places are given, none found from fonts."""

    def __init__(self, pyplot, title, note, rows, left=0.3, width=8.6, row=0.27, legend=False):
        top, bottom = 0.52 + 0.4 * legend, 0.7 + 0.17 * (1 + note.count("\n"))
        height = top + bottom + row * len(rows)
        self.figure = pyplot.figure(figsize=(width, height))
        self.axes = self.figure.add_axes([left, bottom / height, 0.965 - left, row * len(rows) / height])
        self.axes.set_yticks(range(len(rows)), rows)
        self.axes.set_ylim(len(rows) - 0.4, -0.6)
        self.axes.tick_params(axis="y", length=0)
        self.figure.text(0.015, 1 - 0.28 / height, title, fontsize=12, weight="bold", va="center")
        for index, line in enumerate(reversed(note.split("\n"))):
            self.figure.text(0.015, (0.14 + 0.17 * index) / height, line, fontsize=8.5, color="#46535f", va="center")
        self.legend_at = (0.015, 1 - 0.62 / height)
        for side in ("top", "right", "left"):
            self.axes.spines[side].set_visible(False)
        self.axes.grid(axis="x", color="#e1e5ea", linewidth=0.8)
        self.axes.set_axisbelow(True)

    def write(self, value, row, text, **more):
        self.axes.annotate(text, (value, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9,
                           **more)

    def legend(self, **more):
        self.figure.legend(loc="center left", bbox_to_anchor=self.legend_at, frameon=False, fontsize=9,
                           handlelength=1.2, columnspacing=1.4, borderaxespad=0, borderpad=0, **more)


def draw_steps(pyplot, series):
    colours = {"native": BLUE, "auto": LIGHT}
    rows = [[f"{what} ({run.split(',')[0]})", images, colours[engine]] for engine, what, run, images in series["bars"]]
    runs = list(dict.fromkeys(run for _, _, run, _ in series["bars"]))
    rows += [[f"PyTorch {name} (beside run 3)", images, GREY] for name, images in series["pytorch"].items()]
    sheet = Sheet(pyplot, "AlexNet, training, batch 128, cuda", "NVIDIA H100 80GB HBM3, 26 and 27 Nov 2026. Light: "
                  "engine auto.\nCommits: " + "; ".join(runs), [row[0] for row in rows], left=0.385)
    sheet.axes.barh(range(len(rows)), [row[1] for row in rows], color=[row[2] for row in rows], height=0.62)
    for index, (_, images, _) in enumerate(rows):
        sheet.write(images, index, f"{float(f'{images:.3g}'):,.0f}")
    sheet.axes.set_xlim(0, 49000)
    sheet.axes.set_xticks(range(0, 45001, 10000), [f"{value:,}" for value in range(0, 45001, 10000)])
    sheet.axes.set_xlabel("images per second")
    return sheet.figure


def draw_kinds(pyplot, series):
    colours = [BLUE, LIGHT, ORANGE, "#e8b98a", GREEN, "#1d2733", "#c3cad2"]
    sheet = Sheet(pyplot, "Where a training step's time goes, cuda:native", f"{H100_BF16} (one net also in fp32), "
                  f"{COMMIT[2]}; {COMMIT[4]}.\nThe ms are the sum of a step's layers, told call by call.", list(series),
                  left=0.27, row=0.38, legend=True)
    begins = [0.0] * len(series)
    for kind, colour in zip(raw.KINDS, colours):
        shares = [100 * by_kind[kind] / sum(by_kind.values()) for _, by_kind in series.values()]
        sheet.axes.barh(range(len(series)), shares, left=begins, color=colour, height=0.66, label=kind)
        for index, (begin, share) in enumerate(zip(begins, shares)):
            if share >= 4:
                dark = colour in (BLUE, ORANGE, GREEN, "#1d2733")
                sheet.axes.text(begin + share / 2, index, f"{share:.0f}", ha="center", va="center", fontsize=9,
                                color="white" if dark else INK)
        begins = [begin + share for begin, share in zip(begins, shares)]
    for index, (total, _) in enumerate(series.values()):
        sheet.write(100, index, f"{number(total)} ms")
    sheet.axes.set_xlim(0, 111)
    sheet.axes.set_xticks(range(0, 101, 20))
    sheet.axes.set_xlabel("per cent of the step")
    sheet.legend(ncol=4)
    return sheet.figure


def draw_layers(pyplot, series):
    sheet = Sheet(pyplot, "AlexNet, batch 128: layers from 1 % of the step, cuda:native", f"{H100_BF16}, {COMMIT[4]}.\n"
                  "Roofline: ceilings measured in that run, by a copy and our own product. Above 100 %: the ceiling is "
                  "low, or caches help.",
                  [f"{name}, {op}" for name, op, _, _ in series], left=0.31, row=0.23, legend=True)
    indices = range(len(series))
    sheet.axes.barh(indices, [ms for _, _, ms, _ in series], color=LIGHT, height=0.66, label="measured")
    sheet.axes.barh(indices, [ms * share for _, _, ms, share in series], color=BLUE, height=0.3, label="roofline")
    for index, (_, _, ms, share) in enumerate(series):
        sheet.write(max(ms, ms * share), index, f"{100 * share:.0f} %")
    sheet.axes.set_xlim(0, 0.75)
    sheet.axes.set_xlabel("milliseconds; beside the bars the share of the roofline")
    sheet.legend(ncol=2)
    return sheet.figure


def draw_rungs(pyplot, series):
    sheet = Sheet(pyplot, "AlexNet's convolutions, batch 128: every rung of the ladder", f"{H100_BF16}, {COMMIT[6]}; "
                  "cuDNN 9.14.0. Without bias and ReLU.", [name for name, _, _ in series], left=0.21, legend=True)
    marks = {"naive": (GREY, "o"), "tiled": (ORANGE, "s"), "mma": (BLUE, "D"), "library": (GREEN, "^")}
    for name, (colour, mark) in marks.items():
        sheet.axes.plot([rates[name] for _, rates, _ in series], range(len(series)), mark, color=colour, markersize=6.5,
                        label={"library": "cuDNN"}.get(name, name))
    for index, (_, _, roofline) in enumerate(series):
        sheet.axes.plot([roofline] * 2, [index - 0.36, index + 0.36], "-", color=INK, linewidth=1.6,
                        label=None if index else "roofline at this run's ceilings")
    sheet.axes.set_xscale("log")
    sheet.axes.set_xlim(0.2, 1000)
    sheet.axes.set_xticks([0.3, 1, 3, 10, 30, 100, 300, 1000], ["0.3", "1", "3", "10", "30", "100", "300", "1000"])
    sheet.axes.minorticks_off()
    sheet.axes.set_xlabel("TFLOP/s, logarithmic")
    sheet.legend(ncol=5)
    return sheet.figure


def draw_ratios(pyplot, series):
    sheet = Sheet(pyplot, "Our fastest kernel beside cuDNN, batch 128", f"{H100_BF16}; alexnet: {COMMIT[6]}; lenet5: "
                  f"{COMMIT[3]}.\ncuDNN 9.14.0. dx: data gradient, dw: filter gradient.",
                  [name for name, _ in series], left=0.27)
    sheet.axes.barh(range(len(series)), [ratio - 1 for _, ratio in series], left=1, height=0.62,
                    color=[BLUE if ratio >= 1 else ORANGE for _, ratio in series])
    for index, (_, ratio) in enumerate(series):
        sheet.write(max(ratio, 1), index, f"{ratio:.2f}")
    sheet.axes.axvline(1, color=INK, linewidth=1.2)
    sheet.axes.axvline(0.6, color=GREY, linewidth=1.2, linestyle="--")
    sheet.axes.set_xscale("log")
    sheet.axes.set_xlim(0.22, 6)
    sheet.axes.set_xticks([0.25, 0.6, 1, 2, 4], ["0.25", "0.6", "1", "2", "4"])
    sheet.axes.minorticks_off()
    sheet.axes.set_xlabel("cuDNN's time divided by ours, logarithmic; dashed: the bar of the means")
    return sheet.figure


def draw_spread(sheet, texts, ratios_of, lines):
    """What single rounds gave; the text stands behind that and the line that the bar is measured by."""
    for index, (ratio, least, most) in enumerate(ratios_of):
        sheet.axes.plot([least, most], [index, index], color=INK, linewidth=1.4)
        sheet.write(max(ratio, most, lines[index]), index, texts[index])
    sheet.axes.axvline(1, color=INK, linewidth=1.2)


def draw_peers(pyplot, series):
    sheet = Sheet(pyplot, "Training beside PyTorch 2.11's fastest variant, in one run", "NVIDIA H100 80GB HBM3; fp32: "
                  f"26 Nov 2026, commit {raw.FIRST_COMMIT}; bf16: 27 Nov 2026, run 3, commit {raw.COMMITS[3]}. "
                  "Lines: single rounds.", [row[0] for row in series], left=0.28)
    sheet.axes.barh(range(len(series)), [row[1] for row in series], height=0.62,
                    color=[BLUE if row[1] >= 1 else ORANGE for row in series])
    draw_spread(sheet, [f"{row[1]:.2f} ({row[4]})" for row in series], [row[1:4] for row in series],
                [1] * len(series))
    sheet.axes.set_xlim(0, 6.5)
    sheet.axes.set_xlabel("our images per second divided by PyTorch's")
    return sheet.figure


def draw_cpu(pyplot, series):
    sheet = Sheet(pyplot, "Device cpu beside PyTorch 2.15's fastest variant, float32", "AMD EPYC, 2 cores, AVX2, "
                  "26 Nov 2026, commit 80269b8. Ticks: the project's bars. Lines: single rounds.",
                  [row[0] for row in series], left=0.25)
    sheet.axes.barh(range(len(series)), [row[1] for row in series], height=0.62,
                    color=[BLUE if row[1] >= row[4] else ORANGE for row in series])
    draw_spread(sheet, [f"{row[1]:.2f}" for row in series], [row[1:4] for row in series],
                [row[4] for row in series])
    for index, row in enumerate(series):
        sheet.axes.plot([row[4]] * 2, [index - 0.42, index + 0.42], color=GREEN, linewidth=2.4)
    sheet.axes.set_xlim(0, 2.5)
    sheet.axes.set_xlabel("our images per second divided by PyTorch's; orange: below its bar")
    return sheet.figure


DRAW = {"alexnet-steps": draw_steps, "step-by-kind": draw_kinds, "alexnet-layers": draw_layers,
        "convolution-rungs": draw_rungs, "convolution-ratios": draw_ratios, "peers-gpu": draw_peers,
        "peers-cpu": draw_cpu}


def draw(results, folder):
    """Writes every picture. The same matplotlib writes the same bytes: no date, ids from a fixed salt, text as text."""
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    pyplot.rcParams.update({"svg.hashsalt": "fovea", "svg.fonttype": "none", "font.size": 9.5, "text.color": INK,
                            "font.sans-serif": ["DejaVu Sans", "Verdana"], "axes.labelcolor": INK,
                            "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": GREY})
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in DRAW.items():
        figure = paint(pyplot, json.loads(json.dumps(results.shown(name, SERIES[name]))))
        figure.savefig(folder / f"{name}.svg", facecolor="white",
                       metadata={"Date": None, "Creator": None, "Title": name,
                                 "Description": f"data {digest(name, results)}"})
        pyplot.close(figure)
