#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea bench: its keys, numbers worked by hand, times that follow the work, and bad input."""
import time

import command

QUICK = ["--device", "reference", "--repeats", 3, "--min-seconds", 0, "--no-ceilings"]
LENET_MACS = 416520
ROW = {"net", "mode", "batch", "images_per_second", "images_per_second_min", "images_per_second_max", "milliseconds",
       "milliseconds_min", "milliseconds_max", "steps", "operations", "captured", "runtime", "flops",
       "flops_per_second",
       "of_matrix_product", "bytes", "bytes_per_second", "of_copy", "roofline_us", "of_roofline", "planned_bytes",
       "peak_bytes"}


class Bench(command.CommandTest):
    def rows(self, *arguments):
        return self.json("bench", *arguments)["results"]

    def test_auto_on_a_device_that_measures_nothing(self):
        quick = ["--batch", 1, "--mode", "infer", "--repeats", 1, "--min-seconds", 0, "--no-ceilings"]
        for device, engine in [("reference", "reference"), ("emu", "native")]:
            result = self.json("bench", "mlp", *quick, "--device", device, "--engine", "auto", "--no-engine-cache")
            self.assertEqual((result["device"], result["engine"]), (device, engine))
            self.assertEqual(set(result["results"][0]), ROW)  # no table of engines

    def test_keys_and_ratios(self):
        arguments = ["lenet5", "--batch", 4, "--device", "reference", "--threads", 1, "--repeats", 3, "--min-seconds",
                     0.02]
        result = self.json("bench", *arguments)
        self.assertEqual(set(result), {"device", "engine", "precision", "passes", "clock", "threads", "repeats",
                                       "min_seconds", "results", "ceilings"})
        self.assertEqual((result["device"], result["engine"]), ("reference", "reference"))
        self.assertEqual((result["precision"], result["clock"]), ("fp32", "host"))
        self.assertEqual(result["passes"], {"layouts": True, "fuse": True, "copies": True})
        self.assertEqual((result["threads"], result["repeats"], result["min_seconds"]), (1, 3, 0.02))
        ceilings = result["ceilings"]
        self.assertEqual(set(ceilings), {"copy_bytes", "bytes_per_second", "matrix_size", "flops_per_second"})
        self.assertGreaterEqual(ceilings["matrix_size"], 128)
        self.assertEqual([row["mode"] for row in result["results"]], ["infer", "train"])
        for row in result["results"]:
            self.assertEqual(set(row), ROW)
            self.assertEqual((row["net"], row["batch"]), ("lenet5", 4))
            for value in ["images_per_second", "milliseconds"]:
                self.assertLess(row[f"{value}_min"], row[value])  # three times never agree to the last digit
                self.assertLess(row[value], row[f"{value}_max"])
            seconds = row["milliseconds"] / 1e3
            self.assertAlmostEqual(row["images_per_second"] * seconds, 4)
            self.assertAlmostEqual(row["flops_per_second"] * seconds / row["flops"], 1)
            self.assertAlmostEqual(row["bytes_per_second"] * seconds / row["bytes"], 1)
            self.assertAlmostEqual(row["of_matrix_product"],
                                   row["flops_per_second"] / ceilings["flops_per_second"])
            self.assertAlmostEqual(row["of_copy"], row["bytes_per_second"] / ceilings["bytes_per_second"])
            # A sum of the longer of two times is no less than the sum of either, and no more than that of both.
            flops, bytes_ = (row[key] / ceilings[f"{key}_per_second"] for key in ["flops", "bytes"])
            self.assertTrue(bytes_ * (1 - 1e-9) <= 1e-6 * row["roofline_us"] <= (flops + bytes_) * (1 + 1e-9), row)
            self.assertAlmostEqual(row["of_roofline"] * seconds / (1e-6 * row["roofline_us"]), 1)
            # Textbook loops run at more than 1 MFLOP/s, and no core does more than 1 TFLOP/s.
            self.assertTrue(1e6 < row["flops_per_second"] < 1e12, row)
            if row["peak_bytes"] is not None:
                self.assertTrue(row["planned_bytes"] < row["peak_bytes"] < 2**31, row)

    def test_steps_fill_the_time_asked_for(self):
        # A step takes microseconds, or tenths of a millisecond under a sanitizer.
        common = ["softmax:1", "--device", "reference", "--repeats", 3, "--no-ceilings", "--min-seconds"]
        for row in self.rows(*common, 0.1):
            self.assertGreater(row["steps"], 1)
        for row in self.rows(*common, 0):
            self.assertEqual(row["steps"], 1)

    def test_counted_work(self):
        infer, train = self.rows("lenet5:4", *QUICK)
        summary = self.json("summary", "lenet5", "--batch", 4)
        self.assertEqual(infer["flops"], 2 * LENET_MACS * 4)
        self.assertEqual(train["flops"], 3 * 2 * LENET_MACS * 4)
        self.assertEqual(infer["planned_bytes"], summary["planned_inference_bytes"])
        self.assertEqual(train["planned_bytes"], summary["planned_bytes"])
        # conv1 to fc3 with their ReLUs and pools are 11 layers; training more than doubles that.
        self.assertEqual(infer["operations"], 11)
        self.assertFalse(infer["captured"] or train["captured"])
        self.assertGreater(train["operations"], 2 * 11)
        self.assertIsNone(infer["of_copy"])
        for key in ["of_matrix_product", "roofline_us", "of_roofline"]:
            self.assertIsNone(infer[key])

    def test_counted_bytes_of_one_dense_layer(self):
        infer, train = self.rows("softmax:2", *QUICK)
        x, w, y, bias, labels, loss = 4 * 2 * 784, 4 * 7840, 4 * 2 * 10, 4 * 10, 4 * 2, 4
        dense = x + w + bias + y
        self.assertEqual(infer["bytes"], dense)
        # Cross-entropy keeps the probabilities, each sample's loss and the sum of the weights for its backward pass.
        kept = y + labels + 4
        cross_entropy = y + labels + loss + kept
        seed = loss
        cross_entropy_backward = y + labels + kept + loss + y
        dense_backward = x + y + 2 * (w + bias)  # no gradient of the images
        sgd = 5 * (w + bias)
        self.assertEqual(train["bytes"],
                         dense + cross_entropy + seed + cross_entropy_backward + dense_backward + sgd)

    def test_time_follows_the_work(self):
        small, large = self.rows("lenet5:2", "lenet5:32", "--mode", "infer", "--threads", 1, *QUICK[:2],
                                 "--repeats", 7, *QUICK[4:])
        self.assertGreater(large["milliseconds_min"], 4 * small["milliseconds_min"])
        start = time.monotonic()
        row, = self.rows("lenet5:1", "--mode", "infer", *QUICK[:2], "--repeats", 4, "--min-seconds", 0.2,
                         "--no-ceilings")
        seconds = time.monotonic() - start
        # The repeats last about as long as asked for, and fit into the time that the command took.
        self.assertGreater(row["steps"] * row["milliseconds_max"], 0.5 * 200)
        self.assertGreater(seconds, 4 * row["steps"] * row["milliseconds_min"] / 1e3)

    def test_nets_modes_and_batches(self):
        self.write("net.toml", 'name = "own"\ninput = [1, 4, 4]\n[[layer]]\nname = "fc"\ntype = "linear"\n'
                   'out_features = 3\n')
        rows = self.rows("softmax:3", "net.toml", "./net.toml:5", "--batch", 2, "--mode", "train", *QUICK)
        self.assertEqual([(row["net"], row["mode"], row["batch"]) for row in rows],
                         [("softmax", "train", 3), ("own", "train", 2), ("own", "train", 5)])
        for net in ["fcn-small:1", "conv1d-small:2", "svm:2"]:  # masks, sequences, another loss
            self.assertEqual(len(self.rows(net, *QUICK)), 2)
        self.assertEqual(self.files(), ["net.toml"])

    def test_runs_on_emu(self):
        row, = self.rows("lenet5:1", "--mode", "infer", "--device", "emu", *QUICK[2:])
        # conv1 to fc3 with two pools: their ReLUs are applied by conv1, conv2, fc1 and fc2.
        self.assertEqual(row["operations"], 7)

    def test_precision(self):
        for device in ["reference", "emu"]:
            wide, narrow = (self.rows("softmax:2", "--mode", "train", "--device", device, *QUICK[2:], "--precision",
                                      precision)[0] for precision in ["fp32", "bf16"])
            self.assertEqual(narrow["flops"], wide["flops"])
            self.assertNotEqual(narrow["bytes"], wide["bytes"])
            for row, precision in [(wide, "fp32"), (narrow, "bf16")]:
                plan = self.json("summary", "softmax", "--plan", "--batch", 2, "--device", device, "--precision",
                                 precision)
                self.assertEqual(row["bytes"], sum(step["bytes"] for step in plan["steps"]))
        result = self.json("bench", "softmax:2", "--mode", "infer", *QUICK, "--precision", "fp16")
        self.assertEqual(result["precision"], "fp16")
        self.refused("bench", "softmax:2", *QUICK, "--precision", "tf32", says="--precision tf32: expected")
        self.refused("bench", "softmax:2", *QUICK, "--precision", "bf61", says="did you mean 'bf16'?")

    def test_text(self):
        text = self.good("bench", "lenet5:4", *QUICK).out
        self.assertRegex(text, r"\nlenet5  infer +4 .* KiB ")
        self.assertRegex(text, r"\nlenet5  train +4 .* KiB ")
        self.assertNotIn("ceilings", text)

    def test_bad_input(self):
        self.refused("bench", says="NET is required")
        self.refused("bench", "lenet", says="did you mean 'lenet5'?")
        self.refused("bench", "lenet5", "letnet5:4", says="did you mean 'lenet5'?")
        for batch in ["", "0", "-1", "1e3", "nan", " 4", "x"]:
            self.refused("bench", f"lenet5:{batch}",
                         says=f"the batch of 'lenet5:{batch}': expected a whole number from 1")
        self.refused("bench", "nowhere.toml:4", says="nowhere.toml: cannot read the net file")
        self.refused("bench", "lenet5", "--mode", "trian", says="did you mean 'train'?")
        self.refused("bench", "lenet5", "--repeats", 0, says="--repeats: expected a whole number from 1 to 10000")
        for seconds in ["nan", "-0.1", "inf", "-inf", "3601", "x", ""]:
            self.refused("bench", "lenet5", "--min-seconds", seconds,
                         says="--min-seconds: expected a number of at least 0 and at most 3600")
        self.refused("bench", "lenet5", "--batch", 0, says="--batch: expected a whole number from 1")
        self.refused("bench", "lenet5", "--device", "referense", says="did you mean 'reference'?")
        self.refused("bench", "lenet5", "--min-secs", 1, says="did you mean '--min-seconds'?")
        # The second net is refused before the first one runs.
        self.refused("bench", "lenet5:1", "resnet18:2147483647", "--device", "reference", says="smaller batch")


if __name__ == "__main__":
    command.main()
