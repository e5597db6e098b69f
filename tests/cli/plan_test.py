#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea summary --plan: the steps that a device would run, held against steps that it did run, and work by hand."""
import command

STEP = {"layer", "direction", "op", "engine", "dtype", "layout", "bytes", "flops", "roofline_us", "fused", "launches",
        "range"}
ONCE = ["--repeats", 1, "--min-seconds", 0, "--no-ceilings"]


class Plan(command.CommandTest):
    def plan(self, net, *arguments):
        return self.json("summary", net, "--plan", *arguments)

    def step(self, plan, layer, direction):
        return next(step for step in plan["steps"] if (step["layer"], step["direction"]) == (layer, direction) and
                    step["op"] not in ("cast", "convert_layout", "add", "seed"))

    def test_keys(self):
        plan = self.plan("lenet5", "--batch", 4)
        self.assertEqual((plan["net"], plan["batch"], plan["device"], plan["mode"], plan["precision"]),
                         ("lenet5", 4, "reference", "train", "fp32"))
        for step in plan["steps"]:
            self.assertEqual(set(step), STEP)
            self.assertIsNone(step["roofline_us"])
            self.assertEqual((step["dtype"], step["layout"], step["fused"]), ("f32", "nchw", []))
        forward = [step["layer"] for step in plan["steps"] if step["direction"] == "forward"]
        backward = [step["layer"] for step in plan["steps"] if step["direction"] == "backward" and step["op"] != "seed"]
        self.assertEqual(forward[:2] + forward[-1:], ["conv1", "relu1", "loss"])
        self.assertEqual(backward, forward[::-1])
        self.assertEqual(plan["steps"][-1], {"layer": "optimizer", "direction": "update", "op": "sgd",
                                             "engine": "reference", "dtype": "f32", "layout": "nchw",
                                             "bytes": 5 * 4 * 61706, "flops": 0, "roofline_us": None, "fused": [],
                                             "launches": 1, "range": "optimizer update"})
        plain = self.json("summary", "lenet5")
        for key in ["mode", "precision", "passes", "steps", "layout_conversions", "launches"]:
            self.assertIsNone(plain[key])

    def held_against_a_run(self, net, batch, device, mode, *options):
        plan = self.plan(net, "--batch", batch, "--device", device, "--mode", mode, *options)
        bench = self.json("bench", net, "--batch", batch, "--device", device, "--mode", mode, *ONCE, *options)
        run, = bench["results"]
        what = " ".join([f"{net} on {device}, {mode}", *options])
        self.assertEqual(plan["passes"], bench["passes"], what)
        self.assertEqual(plan["launches"], run["operations"], what)
        self.assertEqual(sum(step["launches"] for step in plan["steps"]), run["operations"], what)
        self.assertEqual(sum(step["bytes"] for step in plan["steps"]), run["bytes"], what)
        self.assertEqual(run["runtime"], command.resident_step(device, mode), what)
        conversions = [step for step in plan["steps"] if step["op"] == "convert_layout"]
        self.assertEqual(plan["layout_conversions"], len(conversions), what)
        for step in conversions:
            self.assertTrue(step["range"].endswith(" layout") and step["flops"] == 0 and step["launches"] == 1, step)
        if device == "reference" or (device == "emu" and "bf16" not in options):
            self.assertEqual(plan["layout_conversions"], 0, what)
        return plan

    def test_lenet5_is_what_runs(self):
        for device in self.devices():
            for mode in ["infer", "train"]:
                self.held_against_a_run("lenet5", 2, device, mode)

    def test_other_nets_are_what_runs(self):
        # Shortcuts, batch norm, dropout, masks, sequences, transposed convolution, another loss.
        for device in set(self.devices()) & {"reference", "cpu"}:
            for net in ["resnet20", "fcn-small", "conv1d-small", "alexnet-cifar", "svm"]:
                self.held_against_a_run(net, 1, device, "train")
            self.held_against_a_run("resnet20", 1, device, "infer")

    def test_work(self):
        macs = {layer["name"]: layer["macs"] for layer in self.json("summary", "lenet5")["layers"]}
        plan = self.plan("lenet5", "--batch", 4)
        for layer, count in macs.items():
            if not count:
                continue
            self.assertEqual(self.step(plan, layer, "forward")["flops"], 2 * 4 * count)
            # The images get no gradient: the first layer computes that of its weights only.
            gradients = 1 if layer == "conv1" else 2
            self.assertEqual(self.step(plan, layer, "backward")["flops"], gradients * 2 * 4 * count)
        total = sum(step["flops"] for step in plan["steps"])
        self.assertEqual(total, 2 * 4 * (3 * sum(macs.values()) - macs["conv1"]))
        infer = self.plan("lenet5", "--batch", 4, "--mode", "infer")
        self.assertEqual(sum(step["flops"] for step in infer["steps"]), 2 * 4 * sum(macs.values()))
        # fc1: 256 inputs or 400, 120 outputs; reads x, weight and bias, writes y.
        fc1 = self.step(infer, "fc1", "forward")
        inputs = macs["fc1"] // 120
        self.assertEqual(fc1["bytes"], 4 * (4 * inputs + 120 * inputs + 120 + 4 * 120))

    def test_roofline(self):
        def least(step, flops, bandwidth):
            return 1e6 * max(step["flops"] / flops, step["bytes"] / bandwidth)

        cases = [(["--hardware", "h100"], 66.9e12, 3.35e12), (["--hardware", "h200"], 66.9e12, 4.8e12),
                 (["--hardware", "h200", "--precision", "bf16"], 989.4e12, 4.8e12),
                 (["--hardware", "h200", "--ceiling-flops", "1e10"], 1e10, 4.8e12),
                 (["--ceiling-flops", "2e12", "--ceiling-bandwidth", "1e11"], 2e12, 1e11)]
        for arguments, flops, bandwidth in cases:
            for step in self.plan("lenet5", *arguments)["steps"]:
                self.assertAlmostEqual(step["roofline_us"] / least(step, flops, bandwidth), 1, msg=arguments)
        for step in self.plan("lenet5", "--ceiling-bandwidth", "1e9")["steps"]:
            self.assertAlmostEqual(step["roofline_us"], 1e-3 * step["bytes"])
        for step in self.plan("lenet5", "--ceiling-flops", "1e9")["steps"]:
            if step["flops"]:
                self.assertAlmostEqual(step["roofline_us"], 1e-3 * step["flops"])
            else:
                self.assertIsNone(step["roofline_us"])

    def test_fusion_and_layouts_of_an_engine_that_has_them(self):
        if "cpu" not in self.devices():
            self.skipTest("there is no device cpu")
        plan = self.plan("resnet20", "--device", "cpu")
        fused = [name for step in plan["steps"] for name in step["fused"]]
        self.assertGreater(len(fused), 10)
        forward = [step["layer"] for step in plan["steps"] if step["direction"] == "forward"]
        self.assertFalse(set(fused) & set(forward))  # it has no step of its own
        self.assertTrue(any(step["range"] == f"{step['layer']}+{step['fused'][0]} forward" for step in plan["steps"]
                            if step["fused"]))
        self.assertGreater(len({step["layout"] for step in plan["steps"]}), 1)

    def test_fusion_on_our_own_kernels(self):
        forward = {"conv1": ["relu1"], "conv2": ["relu2"], "fc1": ["relu3"], "fc2": ["relu4"]}
        backward = {"fc3": ["relu4"], "fc2": ["relu3"], "pool2": ["relu2"], "pool1": ["relu1"]}
        for precision in ["fp32", "bf16"]:
            plan = self.plan("lenet5", "--device", "emu", "--precision", precision)
            for direction, expected in [("forward", forward), ("backward", backward)]:
                self.assertEqual({step["layer"]: step["fused"] for step in plan["steps"]
                                  if step["fused"] and step["direction"] == direction}, expected)
            dense = self.step(plan, "fc2", "forward")
            self.assertEqual((dense["op"], dense["range"], dense["launches"]), ("linear", "fc2+relu4 forward", 1))
            pool = self.step(plan, "pool1", "backward")
            self.assertEqual((pool["op"], pool["range"], pool["launches"]), ("max_pool2d", "pool1+relu1 backward", 1))
            self.assertFalse({"relu1", "relu2", "relu3", "relu4"} & {step["layer"] for step in plan["steps"]})
        text = self.good("summary", "lenet5", "--plan", "--device", "emu").out
        self.assertRegex(text, r"\nconv1 +forward +conv2d +native +f32 +nchw +relu1 +1 ")

    def test_passes_are_left_out(self):
        bf16 = ["--precision", "bf16"]
        plans = {options: self.held_against_a_run("lenet5", 2, "emu", "train", *bf16, *options)
                 for options in [(), ("--no-fuse",), ("--no-layouts",), ("--no-fuse", "--no-layouts"),
                                 ("--no-copies",)]}
        for options, plan in plans.items():
            layouts, fuse, copies = (option not in options for option in ["--no-layouts", "--no-fuse", "--no-copies"])
            self.assertEqual(plan["passes"], {"layouts": layouts, "fuse": fuse, "copies": copies})
            self.assertEqual(any(step["op"] == "cast" for step in plan["steps"]), not copies, options)
            self.assertEqual(plan["layout_conversions"] > 0, layouts, options)
            self.assertEqual({step["layout"] for step in plan["steps"]} == {"nchw"}, not layouts, options)
            self.assertEqual(any(step["fused"] for step in plan["steps"]), fuse, options)
            text = self.good("summary", "lenet5", "--plan", "--device", "emu", *bf16, *options).out
            words = ["on" if on else "off" for on in [layouts, fuse, copies]]
            self.assertIn("\npasses: layouts {}, fusion {}, copies {}\n".format(*words), text)
        # Each of the four ReLUs has a step of its own again, forward and backward, and a buffer.
        self.assertEqual(plans["--no-fuse",]["launches"], plans[()]["launches"] + 8)
        # Each layer's weights are cast, and the update has no copy of 2 bytes for each of them to write.
        self.assertEqual(plans["--no-copies",]["launches"], plans[()]["launches"] + 5)
        self.assertEqual(plans["--no-copies",]["steps"][-1]["bytes"] + 2 * 61706, plans[()]["steps"][-1]["bytes"])
        memory = [self.json("summary", "lenet5", "--memory", "--device", "emu", *options)
                  for options in [(), ("--no-fuse",)]]
        self.assertEqual([m["passes"]["fuse"] for m in memory], [True, False])
        self.assertGreater(memory[1]["memory"]["total"], memory[0]["memory"]["total"])
        self.assertGreater(memory[1]["planned_bytes"], memory[0]["planned_bytes"])
        said = self.good("bench", "softmax:2", "--device", "emu", "--mode", "infer", *ONCE, "--no-fuse").out
        self.assertIn("\npasses: layouts on, fusion off, copies on\n", said)
        if "cpu" in self.devices():
            self.held_against_a_run("resnet20", 1, "cpu", "train", "--no-fuse", "--no-layouts")
            plain = self.plan("resnet20", "--device", "cpu", "--no-fuse", "--no-layouts")
            self.assertEqual({(step["layout"], len(step["fused"])) for step in plain["steps"]}, {("nchw", 0)})
            self.assertEqual(plain["layout_conversions"], 0)

    def test_precision(self):
        wide = self.plan("lenet5", "--device", "emu")
        for precision, dtype in [("bf16", "bf16"), ("fp16", "f16")]:
            plan = self.plan("lenet5", "--device", "emu", "--precision", precision)
            self.assertEqual(plan["precision"], precision)
            self.assertEqual(sum(step["op"] == "cast" for step in plan["steps"]), 0)
            self.assertEqual(plan["steps"][-1]["bytes"], (5 * 4 + 2) * 61706)  # the update writes them in 16 bits too
            for options in [["--no-copies"], ["--mode", "infer"]]:
                other = self.plan("lenet5", "--device", "emu", "--precision", precision, *options)
                self.assertEqual(sum(step["op"] == "cast" for step in other["steps"]), 5)  # each layer's weights
            for layer, direction, expected in [("conv2", "forward", dtype), ("conv2", "backward", dtype),
                                               ("loss", "forward", "f32"), ("optimizer", "update", "f32")]:
                self.assertEqual(self.step(plan, layer, direction)["dtype"], expected)
            self.assertLess(sum(step["bytes"] for step in plan["steps"]), sum(step["bytes"] for step in wide["steps"]))
            for key in ["planned_bytes", "planned_inference_bytes"]:
                self.assertLess(plan[key], wide[key])
            self.assertEqual(2 * plan["activation_bytes"], wide["activation_bytes"])
            # Beside --memory: a training holds what a step holds.
            memory = self.plan("lenet5", "--device", "emu", "--precision", precision, "--memory")["memory"]
            self.assertGreaterEqual(memory["total"], plan["planned_bytes"])

    def test_takes_no_memory(self):
        # Far more than the emulated device has.
        plan = self.plan("alexnet", "--device", "emu", "--batch", 2048)
        self.assertGreater(plan["planned_bytes"], 4 * 2**30)
        self.assertGreater(plan["launches"], 50)

    def test_text(self):
        text = self.good("summary", "lenet5", "--plan", "--batch", 4, "--hardware", "h200").out
        self.assertIn("lenet5: a training step of batch 4 on reference, fp32\n", text)
        self.assertRegex(text,
                         "\nlayer +direction +op +engine +dtype +layout +fused +launches +bytes +FLOP +roofline us\n")
        self.assertRegex(text, r"\nconv2 +backward +conv2d +reference +f32 +nchw +- +3 +[\d,]+ +3,840,000 ")
        self.assertRegex(text, r"\n\d+ steps, 0 layout conversions, \d+ launches\n")
        self.assertNotIn("roofline", self.good("summary", "lenet5", "--plan").out)
        self.assertNotIn("MACs/image", text)

    def test_bad_input(self):
        for option in [["--mode", "train"], ["--ceiling-flops", 1e12], ["--ceiling-bandwidth", 1e12],
                       ["--hardware", "h100"]]:
            self.refused("summary", "lenet5", *option, says=f"{option[0]}: expected --plan beside it")
        for option in ["--no-fuse", "--no-layouts", "--no-copies"]:
            self.refused("summary", "lenet5", option, says=f"{option}: expected --memory or --plan beside it")
            self.refused("gradcheck", "lenet5", option, says=option)
        plan = ["summary", "lenet5", "--plan"]
        self.refused(*plan, "--no-fusse", says="did you mean '--no-fuse'?")
        self.refused("compare", "lenet5", "--devices", "reference,emu", "--no-fuse", says="--no-fuse")
        self.refused(*plan, "--mode", "trian", says="did you mean 'train'?")
        self.refused(*plan, "--precision", "fp8",
                     says="--precision: expected fp32 or tf32 or fp32x3 or bf16 or fp16, got 'fp8'")
        self.refused(*plan, "--precision", "tf32",
                     says=["--precision tf32: expected device cuda with its engine library-tf32", "got reference"])
        self.refused(*plan, "--precision", "fp32x3", "--device", "emu", "--engine", "native",
                     says=["--precision fp32x3: expected device cuda or emu with its engine native-fp32x3",
                           "got emu:native"])
        self.refused(*plan, "--device", "emu:native-fp32x3",
                     says="--precision fp32: emu:native-fp32x3 computes in fp32x3 only: expected --precision fp32x3 or")
        for command in [plan, ["bench", "lenet5"], ["profile", "lenet5"],
                        ["train", "lenet5", "--data", "synthetic:1x28x28:10", "--max-steps", 1]]:
            self.refused(*command, "--device", "emu", "--precision", "fp32x3", "--no-layouts",
                         says="precision fp32x3: its tensor cores take images in NHWC: expected the pass layouts")
        if "cpu" in self.devices():
            self.refused(*plan, "--device", "cpu", "--precision", "fp16",
                         says="layer 'conv1': engine 'onednn' of device cpu:onednn computes conv2d in float32 only")
        self.refused(*plan, "--hardware", "h300", says="--hardware: expected h100 or h200, got 'h300'")
        for value in ["0", "nan", "inf", "-1", "x", ""]:
            for option in ["--ceiling-flops", "--ceiling-bandwidth"]:
                self.refused(*plan, option, value, says=f"{option}: expected a number of at least 1")
        self.refused(*plan, "--device", "emuu", says="did you mean 'emu'?")
        self.refused(*plan, "--device", "emu", "--engine", "natve", says="did you mean 'native'?")
        self.refused(*plan, "--batch", 0, says="--batch: expected a whole number from 1")


if __name__ == "__main__":
    command.main()
