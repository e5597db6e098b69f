#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/ladder.py on made-up measurements: what the table says, and what is refused."""
import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))
import ladder  # noqa: E402  the path above is needed first


def time_of(name, microseconds, share=None, own=True, refusal=None):
    time = {"name": name, "engine": name, "own": own, "refusal": refusal}
    return time if refusal else time | {"microseconds": microseconds, "of_roofline": share}


def row(name, direction, times, ratio, roofline=10.0, **more):
    return {"name": name, "direction": direction, "C": 3, "H": 8, "W": 9, "K": 4, "R": 3, "S": 2, "stride": [1, 1],
            "groups": 1, "roofline_us": roofline, "times": times, "ratio": ratio} | more


RAW = {
    "bench": "conv", "shapes": "alexnet", "batch": 128, "device": "cuda", "precision": "bf16",
    "roofline": {"flops_per_second": 6.5e14, "bytes_per_second": 2.5e12},
    "library": "library: cuDNN 9.9 (/usr/lib/libcudnn.so.9)",
    # Not in the order of the ladder.
    "contestants": [{"name": "mma", "own": True}, {"name": "naive", "own": True}, {"name": "library", "own": False}],
    "results": [
        row("conv1", "forward", [time_of("mma", 20.04, 0.5), time_of("naive", 1234.5, 0.0081),
                                 time_of("library", 40.0, 0.25, own=False)], 2.0),
        row("conv2 (x2)", "forward", [time_of("mma", 20.0, 0.5), time_of("naive", 99.95, 0.1),
                                      time_of("library", 10.0, 1.0, own=False)], 0.5, stride=[2, 2], groups=2),
        row("conv2 (x2)", "backward_data", [time_of("mma", 0.5, None), time_of("naive", 5, None),
                                            time_of("library", None, own=False, refusal="no engine")], None,
            roofline=None),
    ],
}


class Ladder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fovea-ladder-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.page = self.directory / "page.md"
        self.page.write_text(f"before\n{ladder.BEGIN}\nold\n{ladder.END}\nafter\n")

    def raw(self, content, name="raw.json"):
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def run_ladder(self, *arguments):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = ladder.main([*arguments, "--page", str(self.page)])
        return code, errors.getvalue()

    def test_table(self):
        self.assertEqual(self.run_ladder(self.raw(RAW)), (0, ""))
        text = self.page.read_text()
        self.assertTrue(text.startswith(f"before\n{ladder.BEGIN}\n"), text)
        self.assertTrue(text.endswith(f"{ladder.END}\nafter\n"), text)
        self.assertNotIn("old", text)
        for line in [
                "### alexnet, batch 128, bf16, cuda",
                "Microseconds, and in brackets the share of the roofline (650 TFLOP/s and 2500 GB/s). "
                "Library: cuDNN 9.9.",
                "| layer | size | direction | roofline | naive | mma | library | own : library |",
                "| conv1 | 3x8x9, 4 of 3x2 | forward | 10.0 | 1234 (1 %) | 20.0 (50 %) | 40.0 (25 %) | 2.00 |",
                "| conv2 (x2) | 3x8x9, 4 of 3x2 /2, 2 groups | forward | 10.0 | 100.0 (10 %) | 20.0 (50 %) | "
                "10.0 (100 %) | 0.50 |",
                "| conv2 (x2) | 3x8x9, 4 of 3x2 | backward_data | - | 5.00 | 0.500 | - | - |",
                "forward: 1.00 times the library's speed, the geometric mean of 2.",
        ]:
            self.assertIn(line + "\n", text)
        self.assertNotIn("backward_data:", text)  # no ratio, no mean

    def test_several_files_in_their_order(self):
        other = copy.deepcopy(RAW) | {"shapes": "vgg16"}
        self.assertEqual(self.run_ladder(self.raw(other, "b.json"), self.raw(RAW, "a.json"))[0], 0)
        text = self.page.read_text()
        self.assertLess(text.index("### vgg16"), text.index("### alexnet"))

    def test_means_over_comparable_files(self):
        other = copy.deepcopy(RAW) | {"shapes": "vgg16"}
        other["results"][0]["ratio"] = 16.0
        self.run_ladder(self.raw(RAW, "a.json"), self.raw(other, "b.json"))
        together = self.page.read_text().split("### All of them together\n")[1]
        # 2, 0.5, 16 and 0.5: the fourth root of 8.
        self.assertIn("forward: 1.68 times the library's speed, the geometric mean of 4.\n", together)
        self.run_ladder(self.raw(RAW, "a.json"), self.raw(other | {"precision": "fp16"}, "b.json"))
        self.assertNotIn("together", self.page.read_text())

    def test_check(self):
        path = self.raw(RAW)
        before = self.page.read_text()
        code, error = self.run_ladder(path, "--check")
        self.assertEqual(code, 1)
        self.assertIn("is not what these measurements say", error)
        self.assertEqual(self.page.read_text(), before)
        self.assertEqual(self.run_ladder(path)[0], 0)
        self.assertEqual(self.run_ladder(path, "--check"), (0, ""))
        slower = copy.deepcopy(RAW)
        slower["results"][0]["times"][0]["microseconds"] *= 2
        self.assertEqual(self.run_ladder(self.raw(slower), "--check")[0], 1)

    def test_refused(self):
        before = self.page.read_text()
        for content in ["{", "[]", "{}", json.dumps(RAW | {"bench": "gemm"})]:
            code, error = self.run_ladder(self.raw(content))
            self.assertEqual(code, 2, content)
            self.assertIn("raw.json: expected the JSON of 'fovea bench conv'", error)
        self.assertEqual(self.run_ladder("nowhere.json")[0], 2)
        self.assertEqual(self.page.read_text(), before)
        for text in ["no markers", f"{ladder.END}{ladder.BEGIN}", 2 * f"{ladder.BEGIN}{ladder.END}"]:
            self.page.write_text(text)
            code, error = self.run_ladder(self.raw(RAW))
            self.assertEqual(code, 2)
            self.assertIn("expected the markers", error)

    def test_the_page_has_its_markers(self):
        self.assertIn("### alexnet", ladder.with_tables(ladder.PAGE.read_text(), [RAW]))


if __name__ == "__main__":
    unittest.main()
