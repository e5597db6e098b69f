#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea bench conv and bench gemm: whose shapes, who is measured, numbers worked by hand, and bad input."""
import json
import math
import re

import command

QUICK = ["--repeats", 2, "--min-seconds", 0, "--no-ceilings"]
DIRECTIONS = ["forward", "backward_data", "backward_filter"]
HEAD = {"bench", "direction", "device", "precision", "clock", "repeats", "min_seconds", "max_seconds", "library",
        "ceilings", "roofline", "contestants", "results", "geometric_means"}
ROW = {"name", "direction", "layers", "N", "C", "H", "W", "K", "R", "S", "P", "Q", "stride", "padding", "dilation",
       "groups", "flops", "bytes", "roofline_us", "times", "best", "ratio"}
TIME = {"name", "engine", "own", "refusal", "microseconds", "microseconds_min", "microseconds_max", "runs", "repeats",
        "flops_per_second", "of_roofline"}
SHAPES = "name,C,H,W,K,R,S,stride,padding\nstrided,8,5,6,16,3,3,2,1\npoint,3,7,7,4,1,1,1,0\n"


class BenchConv(command.CommandTest):
    def conv(self, *arguments):
        return self.json("bench", "conv", *arguments)

    def rows(self, result):
        return {(row["name"], row["direction"]): row for row in result["results"]}

    def test_keys_and_ratios(self):
        self.write("s.csv", SHAPES)
        result = self.conv("--shapes", "s.csv", "--batch", 2, "--device", "reference", "--threads", 1, "--repeats", 3,
                           "--min-seconds", 0.001)
        self.assertEqual(set(result), HEAD | {"shapes", "batch"})
        self.assertEqual((result["bench"], result["shapes"], result["batch"]), ("conv", "s.csv", 2))
        self.assertEqual((result["device"], result["precision"], result["direction"]), ("reference", "fp32", "all"))
        self.assertEqual([(c["name"], c["own"]) for c in result["contestants"]], [("naive", True)])
        self.assertEqual([(row["name"], row["direction"]) for row in result["results"]],
                         [(name, direction) for name in ["strided", "point"] for direction in DIRECTIONS])
        flops, bandwidth = (result["ceilings"][f"{key}_per_second"] for key in ["flops", "bytes"])
        self.assertEqual(result["roofline"], {"flops_per_second": flops, "bytes_per_second": bandwidth})
        for row in result["results"]:
            self.assertEqual(set(row), ROW)
            time, = row["times"]
            self.assertEqual(set(time), TIME)
            self.assertEqual((row["best"], row["ratio"], time["refusal"]), ("naive", None, None))
            self.assertLessEqual(time["microseconds_min"], time["microseconds"])
            self.assertLessEqual(time["microseconds"], time["microseconds_max"])
            self.assertAlmostEqual(row["roofline_us"] / (1e6 * max(row["flops"] / flops, row["bytes"] / bandwidth)), 1)
            self.assertAlmostEqual(time["of_roofline"] * time["microseconds"] / row["roofline_us"], 1)
            self.assertAlmostEqual(time["flops_per_second"] * time["microseconds"] / (1e6 * row["flops"]), 1)
        self.assertEqual(result["geometric_means"], dict.fromkeys(DIRECTIONS))

    def test_counted_work(self):
        self.write("s.csv", SHAPES)
        for precision, size in [("fp32", 4), ("bf16", 2)]:
            rows = self.rows(self.conv("--shapes", "s.csv", "--batch", 2, "--device", "reference", "--precision",
                                       precision, *QUICK))
            row = rows["strided", "forward"]
            # 2 images of 8x5x6, 16 filters of 8x3x3, stride 2, padding 1: outputs of 3x3.
            self.assertEqual((row["P"], row["Q"], row["stride"], row["padding"]), (3, 3, [2, 2], [1, 1, 1, 1]))
            x, w, y = 2 * 8 * 5 * 6, 16 * 8 * 3 * 3, 2 * 16 * 3 * 3
            for direction in DIRECTIONS:
                row = rows["strided", direction]
                self.assertEqual(row["flops"], 2 * y * 8 * 3 * 3)
                filters = 4 if direction == "backward_filter" else size  # their gradient is float32
                self.assertEqual(row["bytes"], size * (x + y) + filters * w)
                self.assertIsNone(row["roofline_us"])

    def test_shapes_are_those_of_the_net(self):
        # Both convolutions of LeNet-5; nobody wants the gradient of the images.
        result = self.conv("--shapes", "lenet5", "--batch", 2, "--device", "reference", *QUICK)
        rows = self.rows(result)
        self.assertEqual(list(rows), [("conv1", "forward"), ("conv1", "backward_filter"),
                                      *(("conv2", direction) for direction in DIRECTIONS)])
        summary = {layer["name"]: layer for layer in self.json("summary", "lenet5", "--batch", 1)["layers"]}
        for name in ["conv1", "conv2"]:
            self.assertEqual(rows[name, "forward"]["flops"], 2 * 2 * summary[name]["macs"])
        # A shape that several layers have is measured once, and its gradient too where one of them wants it.
        layer = '[[layer]]\nname = "{}"\ntype = "conv2d"\nout_channels = 3\nkernel = 3\npadding = 1\n'
        self.write("net.toml", "input = [3, 6, 6]\n" + "".join(map(layer.format, ["a", "b", "c"])))
        result = self.conv("--shapes", "net.toml", "--batch", 1, "--device", "reference", *QUICK)
        self.assertEqual([(row["name"], row["direction"], row["layers"]) for row in result["results"]],
                         [("a (x3)", direction, ["a", "b", "c"]) for direction in DIRECTIONS])

    def test_generations_of_emu(self):
        self.write("s.csv", SHAPES)
        for precision, names in [("fp32", ["naive", "tiled"]), ("bf16", ["naive", "tiled", "mma"]), ("tf32", ["mma"]),
                                 ("fp32x3", ["mma"])]:
            result = self.conv("--shapes", "s.csv", "--batch", 2, "--device", "emu", "--precision", precision, *QUICK)
            self.assertEqual([c["name"] for c in result["contestants"]], names)
            for row in result["results"]:
                times = {time["name"]: time["microseconds"] for time in row["times"]}
                self.assertEqual(list(times), names)
                self.assertEqual(row["best"], min(times, key=times.get))
            self.assertIn("emu has none", result["library"])

    def test_beside_a_library(self):
        if "cpu" not in self.devices():
            self.skipTest("device cpu is not there")
        self.write("s.csv", SHAPES)
        result = self.conv("--shapes", "s.csv", "--batch", 2, "--device", "cpu", *QUICK, "--ceiling-flops", 1000000,
                           "--ceiling-bandwidth", 1000000)
        self.assertEqual([(c["name"], c["own"]) for c in result["contestants"]], [("naive", True), ("onednn", False)])
        logarithms = {direction: 0 for direction in DIRECTIONS}
        for row in result["results"]:
            own, library = (time["microseconds"] for time in row["times"])
            self.assertAlmostEqual(row["ratio"], library / own)
            self.assertAlmostEqual(row["roofline_us"], max(row["flops"], row["bytes"]))
            logarithms[row["direction"]] += math.log(row["ratio"])
        for direction, mean in result["geometric_means"].items():
            self.assertAlmostEqual(mean, math.exp(logarithms[direction] / 2))
        # It computes float32 only.
        result = self.conv("--shapes", "s.csv", "--batch", 2, "--device", "cpu", "--precision", "bf16", *QUICK)
        self.assertEqual([c["name"] for c in result["contestants"]], ["naive"])
        self.assertEqual(result["library"], "onednn does not compute conv2d in bf16")

    def test_text_and_file(self):
        self.write("s.csv", SHAPES)
        common = ["bench", "conv", "--shapes", "s.csv", "--batch", 1, "--device", "reference", *QUICK]
        text = self.good(*common, "--direction", "forward").out
        self.assertRegex(text, r"\nstrided +8x5x6, 16 of 3x3 /2 +forward ")
        self.assertNotIn("backward", text)
        printed = self.json(*common, "--out", "ladder.json")
        self.assertEqual(json.loads((self.directory / "ladder.json").read_text()), printed)

    def test_time_is_limited(self):
        self.write("s.csv", SHAPES)
        result = self.conv("--shapes", "s.csv", "--batch", 1, "--device", "reference", "--no-ceilings", "--repeats",
                           10000, "--min-seconds", 0.01, "--max-seconds", 0.05, "--direction", "forward")
        for row in result["results"]:
            time, = row["times"]
            # All but the last repeat fit into the limit.
            self.assertLess(time["repeats"], 10000)
            self.assertLessEqual((time["repeats"] - 1) * time["runs"] * time["microseconds_min"], 0.05e6)

    def test_gemm(self):
        result = self.json("bench", "gemm", "--size", 20, "--device", "emu", "--precision", "bf16", *QUICK)
        self.assertEqual(set(result), HEAD | {"size"})
        self.assertEqual([c["name"] for c in result["contestants"]], ["tiled", "mma"])
        self.assertEqual([row["direction"] for row in result["results"]],
                         ["forward", "backward_data", "backward_weight"])
        for row in result["results"]:
            self.assertEqual(row["flops"], 2 * 20**3)
            self.assertEqual(row["bytes"], (8 if row["direction"] == "backward_weight" else 6) * 20**2)

    def test_help(self):
        documents = (command.pathlib.Path(__file__).parents[2] / "docs" / "cli.md").read_text()
        for action in ["conv", "gemm"]:
            text = self.good("bench", action, "--help").out
            self.assertIn(f"  fovea bench {action} ", text.split("Examples:")[1])
            for option in re.findall(r"--[a-z-]+", text.split("Examples:")[0]):
                self.assertTrue(option in documents, f"{option} of bench {action}")

    def test_bad_input(self):
        def refused(*arguments, says):
            self.refused("bench", "conv", *arguments, says=says)

        refused(says="--shapes is required; see 'fovea bench conv --help'")
        refused("--shapes", "alexnett", says="expected a built-in net, a .toml net file or a .csv file, got 'alexnett' "
                "(did you mean 'alexnet'?)")
        refused("--shapes", "mlp", says="net 'mlp': expected a layer conv2d")
        refused("--shapes", "nowhere.csv", says="nowhere.csv: cannot open")
        refused("--shapes", "nowhere.toml", says="nowhere.toml: cannot read the net file")
        refused("--shapes", "lenet5", "--direction", "backward", says="did you mean 'backward_data'?")
        refused("--shapes", "lenet5", "--precision", "tf32", "--device", "reference",
                says="--precision tf32: expected one that device reference computes conv2d in")
        for device in {"reference", "cpu"} & set(self.devices()):
            refused("--shapes", "lenet5", "--precision", "fp32x3", "--device", device,
                    says=f"--precision fp32x3: expected one that device {device} computes conv2d in")
        refused("--shapes", "lenet5", "--batch", 0, says="--batch: expected a whole number from 1")
        refused("--shapes", "lenet5", "--batch", 2147483647, says="expected tensors of less than 2^31 elements")
        refused("--shapes", "lenet5", "--device", "referense", says="did you mean 'reference'?")
        refused("--shapes", "lenet5", "--direktion", "all", says="did you mean '--direction'?")
        self.refused("bench", "lenet5", "conv", "--shapes", "lenet5", says="NET: of no use before an action")
        self.refused("bench", "--mode", "train", "conv", "--shapes", "lenet5", says="--mode: of no use before")
        self.refused("bench", "gemm", "--size", 0, says="--size: expected a whole number from 1 to 32768")

    def test_bad_lines(self):
        good = "8,5,6,16,3,3"
        for text, says in [
                ("", "s.csv: expected a line that names columns and a line for each shape"),
                ("C,H,W,K,R,S\n", "s.csv: expected a line that names columns and a line for each shape"),
                (f"C,H,W,K,R\n{good}\n", "s.csv:1: expected a column 'S', got none"),
                (f"C,H,W,K,R,S,strid\n{good},1\n", "got 'strid' (did you mean 'stride'?)"),
                (f"C,H,W,K,R,S,C\n{good},8\n", "s.csv:1: column 'C' is there twice"),
                (f"C,H,W,K,R,S\n{good}\n8,5,6\n", "s.csv:3: expected 6 fields, as the first line has, got 3"),
                (f"C,H,W,K,R,S\n{good}\n8,5,6,x,3,3\n", "s.csv:3: K: expected a whole number from 1 to 65536, got 'x'"),
                (f"C,H,W,K,R,S\n\n{good.replace('16', '0')}\n", "s.csv:3: K: expected a whole number from 1"),
                ("C,H,W,K,R,S\n8,5,6,16,9,3\n", "s.csv:2: "),  # a kernel larger than the image
                (f"C,H,W,K,R,S,groups\n{good},3\n", "s.csv:2: "),
        ]:
            self.write("s.csv", text)
            self.refused("bench", "conv", "--shapes", "s.csv", "--device", "reference", says=says)


if __name__ == "__main__":
    command.main()
