#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/plots.py: docs/performance.md says what bench/results says, and a number changed on either side is noticed.
Without matplotlib; of the pictures the data are compared that they were drawn from."""
import contextlib
import io
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))
import plots  # noqa: E402  the path above is needed first
from page import Fault  # noqa: E402
from plots import drawings, raw, tables  # noqa: E402

H100_1, H100_2, H100_3, CPU = raw.FIRST, raw.SECOND, raw.THIRD, raw.CPU


def speed_of(net, batch):
    """What stands before a net's images/s in the JSON of `fovea bench`."""
    return rf'"net": ?"{net}", ?"mode": ?"train", ?"batch": ?{batch}, ?"images_per_second": ?'


# One number in each file that the page is made of: (folder, file, what stands before it, the number, another).
CHANGED = [
    (H100_1, "bench-2.json", r'"name": "bench alexnet:128 cuda:native"[^}]*?"images_per_second": ', "4391", "5391"),
    (H100_1, "peers-cuda-native.json", r'"ratio": ', "4.77", "5.77"),
    (H100_1, "peers-cuda-library.json", r'"ratio": ', "3.42", "4.42"),
    (H100_2, "peers-bf16-3.json", r'"ratio": ', "0.904", "1.904"),
    (H100_2, "bench-native-bf16-3.json", speed_of("alexnet", 128), "268", "368"),
    (H100_2, "bench-auto-bf16-3.txt", r"alexnet +train +128 +", "31,518", "32,518"),
    (H100_2, "ladder-lenet5.json", r'"ratio": ?', "1.0", "2.0"),
    (H100_2, "notes.md", r"\| alexnet \| 128 \| ", "14,600", "15,600"),
    (H100_2, "profile-alexnet-128-bf16-2.txt", r"compute-bound +", "0.694", "0.794"),
    (H100_3, "bench-native-bf16-4.json", speed_of("alexnet", 128), "373", "473"),
    (H100_3, "bench-native-bf16-6.json", speed_of("lenet5", 64), "409", "509"),
    (H100_3, "bench-auto-bf16-4.json", speed_of("alexnet-cifar", 512), "123", "223"),
    (H100_3, "bench-auto-bf16-6.json", speed_of("resnet18", 64), "116", "216"),
    (H100_3, "conv-alexnet-bf16-6.json", r'"ratio": ?', "4.24", "5.24"),
    (H100_3, "conv-alexnet-fp32x3-4.json", r'"ratio": ?', "1.45", "2.45"),
    (H100_3, "gemm-bf16-6.json", r'"ratio": ?', "0.78", "0.88"),
    (H100_3, "tiles-5.txt", r"f6dx +28.7 +", "131.2", "132.2"),
    (H100_3, "mnist-speed-5.txt", r'"test_accuracy": ', "0.9941", "0.9951"),
    (CPU, "peers-cpu.json", r'"ratio": ', "2.06", "3.06"),
    *((raw.folder_of(run), f"profile-{name}-{run}.txt", r"replayed, a step takes ", "", "1")
      for name, run in raw.PROFILES.items()),
]
# What the pictures show of a profile are its rows.
DRAWN = (H100_3, "profile-alexnet-128-bf16-4.txt", r"memory-bound +", "0.147", "0.247")


def change_of(name):
    return next(change for change in CHANGED if change[1] == name)


def changed(path, before, number, other):
    text, found = re.subn(f"({before}){re.escape(number)}", lambda match: match.group(1) + other,
                          path.read_text(encoding="utf-8"), count=1)
    assert found == 1, f"{path}: no number to change"
    path.write_text(text, encoding="utf-8")


class Plots(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fovea-plots-test-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.page, self.results = self.folder / "performance.md", self.folder / "results"
        self.page.write_text(plots.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
        shutil.copytree(plots.PAGE.with_suffix(""), self.folder / "performance")
        shutil.copytree(raw.RESULTS, self.results)

    def run_plots(self, *arguments, results=None):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = plots.main([*arguments, "--page", str(self.page), "--results", str(results or self.results)])
        return code, errors.getvalue()

    def test_the_page_says_what_was_measured(self):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            self.assertEqual(plots.main(["--check"]), 0, errors.getvalue())
        self.assertEqual(self.run_plots("--check"), (0, ""))

    def test_a_number_changed_in_any_table_is_noticed(self):
        page = plots.PAGE.read_text(encoding="utf-8")
        for name in tables.TABLES:
            begin, end = (page.index(marker) for marker in tables.markers(name))
            digits = list(re.finditer(r"\d", page[begin:end]))
            place = begin + digits[len(digits) // 2].start()
            other = str((int(page[place]) + 1) % 10)
            self.page.write_text(page[:place] + other + page[place + 1:], encoding="utf-8")
            code, error = self.run_plots("--check")
            self.assertEqual(code, 1, name)
            self.assertIn("is not what these measurements say", error)
            self.assertEqual(self.run_plots("--tables"), (0, ""))
            self.assertEqual(self.page.read_text(encoding="utf-8"), page, name)

    def test_a_number_changed_in_any_file_is_noticed(self):
        for folder, name, *change in CHANGED:
            path = self.results / folder / name
            before = path.read_text(encoding="utf-8")
            changed(path, *change)
            code, error = self.run_plots("--check")
            self.assertEqual(code, 1, name)
            self.assertIn("performance.md is not what these measurements say", error, name)
            path.write_text(before, encoding="utf-8")
        self.assertEqual(self.run_plots("--check"), (0, ""))

    def test_pictures_of_other_data_are_noticed(self):
        names = {"alexnet-steps": change_of("bench-2.json"), "peers-gpu": change_of("peers-cuda-native.json"),
                 "convolution-ratios": change_of("ladder-lenet5.json"),
                 "convolution-rungs": (H100_3, "conv-alexnet-bf16-6.json", r'"roofline_us": ?', "74", "75"),
                 "peers-cpu": change_of("peers-cpu.json"), "step-by-kind": DRAWN, "alexnet-layers": DRAWN}
        self.assertEqual(set(names), set(drawings.SERIES))
        for picture, (folder, name, *change) in names.items():
            path = self.results / folder / name
            before = path.read_text(encoding="utf-8")
            changed(path, *change)
            self.assertIn(f"{picture}.svg is not drawn from these measurements", self.run_plots("--check")[1])
            path.write_text(before, encoding="utf-8")
        drawn = self.folder / "performance" / "alexnet-steps.svg"
        drawn.rename(drawn.with_name("old.svg"))
        code, error = self.run_plots("--check")
        self.assertEqual(code, 1)
        self.assertIn("alexnet-steps.svg is not drawn", error)
        self.assertIn("old.svg is not drawn", error)

    def test_the_page_shows_every_picture(self):
        shown = re.findall(r"!\[[^\]]+\]\(performance/([\w-]+)\.svg\)", plots.PAGE.read_text(encoding="utf-8"))
        self.assertEqual(sorted(shown), sorted(drawings.SERIES))
        self.assertEqual(set(drawings.DRAW), set(drawings.SERIES))
        for name in shown:
            picture = plots.PAGE.with_suffix("") / f"{name}.svg"
            self.assertLess(picture.stat().st_size, 60_000, name)
            text = picture.read_text(encoding="utf-8")
            self.assertNotIn("<dc:date>", text, name)
            for label in ["2026", "commit"]:
                self.assertIn(label, text.lower(), name)

    def test_refused(self):
        before = self.page.read_text(encoding="utf-8")
        printed = self.results / H100_2 / "bench-auto-bf16-3.txt"
        table = printed.read_text(encoding="utf-8")
        printed.write_text("no table\n")
        code, error = self.run_plots("--tables")
        self.assertEqual(code, 2)
        self.assertIn("bench-auto-bf16-3.txt: expected a table that begins with 'net '", error)
        printed.unlink()
        code, error = self.run_plots("--tables")
        self.assertEqual(code, 2)
        self.assertIn("bench-auto-bf16-3.txt: expected a file of measurements, got: No such file", error)
        printed.write_text(table, encoding="utf-8")
        ladder = self.results / H100_3 / "conv-alexnet-bf16-6.json"
        ladder.write_text("{")
        code, error = self.run_plots("--tables")
        self.assertEqual(code, 2)
        self.assertIn("conv-alexnet-bf16-6.json: expected JSON", error)
        for content in ["{}", "[]", '{"results": [{}]}']:
            ladder.write_text(content)
            code, error = self.run_plots("--tables")
            self.assertEqual(code, 2, content)
            self.assertIn("conv-alexnet-bf16-6.json: expected the measurements that 'conv' shows, got", error)
        (self.results / H100_3 / "tiles-5.txt").write_text("shape L\n")
        ladder.write_text((raw.RESULTS / H100_3 / ladder.name).read_text(encoding="utf-8"), encoding="utf-8")
        code, error = self.run_plots("--tables")
        self.assertEqual(code, 2)
        self.assertIn("tiles-5.txt: expected the measurements that 'tiles' shows, got", error)
        self.assertEqual(self.page.read_text(encoding="utf-8"), before)
        self.page.write_text(before.replace(tables.markers("gemm")[1], ""), encoding="utf-8")
        code, error = self.run_plots("--tables", results=raw.RESULTS)
        self.assertEqual(code, 2)
        self.assertIn("expected the markers", error)

    def test_without_matplotlib(self):
        before = {path: path.read_bytes() for path in self.folder.rglob("*.svg")}
        with unittest.mock.patch.dict(sys.modules, {"matplotlib": None}):
            code, error = self.run_plots()
        self.assertEqual(code, 2)
        self.assertIn("pictures need matplotlib (python3-matplotlib), got: ", error)
        self.assertEqual({path: path.read_bytes() for path in self.folder.rglob("*.svg")}, before)

    def test_reading(self):
        self.assertEqual([raw.value_of(text) for text in ["3,660", "12.5 %", "2.75e+04", "conv2d", "-"]],
                         [3660.0, 0.125, 27500.0, "conv2d", "-"])
        header, rows = raw.rows_of("x\nlayer  ms   of roofline\na b    1.5      10.1 %\nsum 3 ms\n", "layer ")
        self.assertEqual((header, rows), (["layer", "ms", "of roofline"], [["a b", "1.5", "10.1 %"]]))
        for text in ["", "layer  ms\n", "layer  ms\nsum 3 ms\n"]:
            self.assertRaises(Fault, raw.rows_of, text, "layer ")


if __name__ == "__main__":
    unittest.main()
