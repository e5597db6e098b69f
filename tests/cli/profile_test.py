#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea profile: its numbers held against each other, the plan and a whole step; traces, ratios, bad input."""
import json

import command

QUICK = ["--device", "reference", "--batch", 4, "--steps", 3]
KEYS = {"net", "batch", "mode", "precision", "passes", "device", "engine", "threads", "steps", "layers", "launches",
        "runtime", "sum_milliseconds", "step_milliseconds", "captured_milliseconds", "clock", "gap", "launch_us",
        "ceilings", "trace", "against"}
ROW = {"layer", "direction", "op", "engine", "milliseconds", "share", "flops", "flops_per_second", "bytes",
       "bytes_per_second", "roofline_us", "of_roofline", "launches", "verdict"}


def verdict(row, profile):
    """The rule of docs/cli.md."""
    starts = max(1, row["launches"]) * profile["launch_us"]
    compute = 1e6 * row["flops"] / profile["ceilings"]["flops_per_second"]
    memory = 1e6 * row["bytes"] / profile["ceilings"]["bytes_per_second"]
    if starts >= max(compute, memory):
        return "launch-bound"
    return "compute-bound" if compute >= memory else "memory-bound"


class Profile(command.CommandTest):
    def profile(self, net, *arguments):
        return self.json("profile", net, *arguments)

    def check(self, profile, plan):
        """The rows are the plan's steps, and their numbers belong together."""
        self.assertEqual(set(profile), KEYS)
        groups = {}
        for step in plan["steps"]:
            groups.setdefault((step["layer"], step["direction"]), []).append(step)
        self.assertEqual([(row["layer"], row["direction"]) for row in profile["layers"]], list(groups))
        for row in profile["layers"]:
            self.assertEqual(set(row), ROW)
            steps = groups[row["layer"], row["direction"]]
            for key in ["bytes", "flops", "launches"]:
                self.assertEqual(row[key], sum(step[key] for step in steps), row)
            self.assertIn((row["op"], row["engine"]), [(step["op"], step["engine"]) for step in steps])
            seconds = row["milliseconds"] / 1e3
            self.assertGreater(seconds, 0)
            self.assertAlmostEqual(row["flops_per_second"] * seconds, row["flops"], delta=1e-6 * row["flops"])
            self.assertAlmostEqual(row["bytes_per_second"] * seconds, row["bytes"], delta=1e-6 * row["bytes"])
            least = max(row["flops"] / profile["ceilings"]["flops_per_second"],
                        row["bytes"] / profile["ceilings"]["bytes_per_second"])
            self.assertAlmostEqual(row["roofline_us"] / (1e6 * least), 1)
            self.assertAlmostEqual(row["of_roofline"] / (least / seconds), 1)
            self.assertEqual(row["verdict"], verdict(row, profile))
        self.assertEqual(profile["launches"], plan["launches"])
        self.assertEqual(profile["runtime"], command.resident_step(profile["device"], profile["mode"]))
        self.assertAlmostEqual(sum(row["milliseconds"] for row in profile["layers"]) / profile["sum_milliseconds"], 1)
        self.assertAlmostEqual(sum(row["share"] for row in profile["layers"]), 1)
        self.assertAlmostEqual(profile["gap"], profile["sum_milliseconds"] / profile["step_milliseconds"] - 1)

    def test_rows_are_the_plan(self):
        for device in self.devices():
            for mode in ["train", "infer"]:
                arguments = ["--device", device, "--batch", 2, "--mode", mode]
                profile = self.profile("lenet5", *arguments, "--steps", 2)
                self.assertEqual((profile["net"], profile["batch"], profile["mode"], profile["precision"],
                                  profile["device"], profile["steps"], profile["trace"], profile["against"]),
                                 ("lenet5", 2, mode, "fp32", device, 2, None, None))
                self.check(profile, self.json("summary", "lenet5", "--plan", *arguments))

    def test_passes(self):
        arguments = ["--device", "emu", "--batch", 1, "--no-fuse", "--no-layouts"]
        profile = self.profile("lenet5", *arguments, "--steps", 1)
        self.assertEqual(profile["passes"], {"layouts": False, "fuse": False, "copies": True})
        self.assertIn("relu1", [row["layer"] for row in profile["layers"]])
        self.check(profile, self.json("summary", "lenet5", "--plan", *arguments))

    def test_precision(self):
        for precision in ["bf16", "fp16"]:
            arguments = ["--device", "reference", "--batch", 2, "--precision", precision]
            profile = self.profile("lenet5", *arguments, "--steps", 1)
            self.assertEqual(profile["precision"], precision)
            self.check(profile, self.json("summary", "lenet5", "--plan", *arguments))

    def test_trace(self):
        for mode, passes in [("train", ["forward", "backward", "update"]), ("infer", ["forward"])]:
            arguments = ["--device", "reference", "--batch", 4, "--mode", mode]
            profile = self.profile("lenet5", *arguments, "--steps", 2, "--trace", f"{mode}.json")
            self.assertEqual(profile["trace"], f"{mode}.json")
            plan = self.json("summary", "lenet5", "--plan", *arguments)
            trace = json.loads((self.directory / f"{mode}.json").read_text(), parse_constant=command.reject_constant)
            self.assertEqual(set(trace), {"displayTimeUnit", "traceEvents"})
            name, *events = trace["traceEvents"]
            self.assertEqual((name["ph"], name["name"]), ("M", "process_name"))
            self.assertIn("lenet5, batch 4", name["args"]["name"])
            for event in events:
                self.assertEqual((event["ph"], event["pid"], event["tid"]), ("X", 1, 1))
                self.assertGreaterEqual(event["dur"], 0)
            parents = [event for event in events if event["cat"] == "pass"]
            steps = [event for event in events if event["cat"] == "step"]
            self.assertEqual([event["name"] for event in parents], passes)
            # The names that profilers are told (tests/core/plan_launches_test.cpp), in the same order.
            self.assertEqual([event["name"] for event in steps], [step["range"] for step in plan["steps"]])
            for event, step in zip(steps, plan["steps"]):
                self.assertEqual(event["args"], {key: step[key] for key in event["args"]})
                self.assertEqual(set(event["args"]),
                                 {"layer", "direction", "op", "engine", "bytes", "flops", "launches"})
                parent = parents[passes.index(step["direction"])]
                self.assertGreaterEqual(event["ts"], parent["ts"] - 1e-6)
                self.assertLessEqual(event["ts"] + event["dur"], parent["ts"] + parent["dur"] + 1e-6)
            for row in (parents, steps):  # one after the other
                for before, after in zip(row, row[1:]):
                    self.assertLessEqual(before["ts"] + before["dur"], after["ts"] + 1e-6)
            self.assertLess(sum(event["dur"] for event in steps), 1e3 * 100 * profile["step_milliseconds"])
        self.assertEqual(self.files(), ["infer.json", "train.json"])

    def earlier(self, name="before.json", change=None, net="lenet5"):
        """A profile in a file, changed by a function."""
        profile = self.profile(net, *QUICK)
        if change:
            change(profile)
        self.write(name, json.dumps(profile))
        return profile

    def test_against(self):
        def change(profile):
            profile["layers"][0]["milliseconds"] *= 1000
            del profile["layers"][1]
            profile["step_milliseconds"] = 1e6
            profile["device"] = "slow"

        before = self.earlier(change=change)
        after = self.profile("lenet5", *QUICK, "--against", "before.json")
        against = after["against"]
        self.assertEqual(set(against), {"file", "device", "engine", "precision", "step_ratio", "layers"})
        self.assertEqual((against["file"], against["device"], against["precision"]), ("before.json", "slow", "fp32"))
        self.assertAlmostEqual(against["step_ratio"], after["step_milliseconds"] / 1e6)
        old = {(row["layer"], row["direction"]): row["milliseconds"] for row in before["layers"]}
        self.assertEqual(len(against["layers"]), len(after["layers"]))
        for ratio, row in zip(against["layers"], after["layers"]):
            key = row["layer"], row["direction"]
            self.assertEqual((ratio["layer"], ratio["direction"]), key)
            if key in old:
                self.assertAlmostEqual(ratio["ratio"] / (row["milliseconds"] / old[key]), 1)
            else:
                self.assertIsNone(ratio["ratio"])
        self.assertEqual(sum(row["ratio"] is None for row in against["layers"]), 1)
        self.assertLess(against["layers"][0]["ratio"], 0.1)
        text = self.good("profile", "lenet5", *QUICK, "--against", "before.json").out
        self.assertRegex(text, r" before ms +ratio\n")
        self.assertRegex(text, r"\nbefore: 1e\+06 ms on slow:reference, fp32; ratio 0\.00")

    def test_text(self):
        text = self.good("profile", "lenet5", *QUICK, "--trace", "t.json").out
        self.assertRegex(text,
                         r"\nlayer +direction +op +engine +verdict +ms +share +GFLOP/s +GB/s +of roofline +launch")
        self.assertRegex(text,
                         r"\nconv2 +backward +conv2d +reference +(compute|memory|launch)-bound +[\d.e+-]+ +[\d.]+ ")
        self.assertRegex(text,
                         r"\nsum [\d.]+ ms by the host's clock, \d+ launches, .* "
                         r"whole step without marks between: [\d.]+ ms; gap [+-]")
        self.assertRegex(text, r"\nceilings: .* the smallest operation takes [\d.e+-]+ us\n")
        self.assertIn("written: t.json", text)
        self.assertNotIn("before", text)

    def test_bad_input(self):
        self.earlier()
        profile = ["profile", "lenet5", *QUICK]
        self.refused("profile", says="NET is required")
        self.refused("profile", "lenet", says="did you mean 'lenet5'?")
        self.refused("profile", "lenet5", "--batch", 0, says="--batch: expected a whole number from 1")
        for steps in ["0", "-1", "1.5", "100001", ""]:
            self.refused("profile", "lenet5", "--steps", steps,
                         says="--steps: expected a whole number from 1 to 100000")
        self.refused(*profile, "--mode", "both", says="--mode: expected train or infer, got 'both'")
        self.refused(*profile, "--precision", "tf16",
                     says="--precision: expected fp32 or tf32 or fp32x3 or bf16 or fp16, got 'tf16'")
        self.refused(*profile, "--precision", "tf32",
                     says=["--precision tf32: expected device cuda with its engine library-tf32", "got reference"])
        if "cpu" in self.devices():
            self.refused("profile", "lenet5", "--device", "cpu", "--precision", "bf16",
                         says="layer 'conv1': engine 'onednn' of device cpu:onednn computes conv2d in float32 only")
        self.refused("profile", "lenet5", "--device", "referense", says="did you mean 'reference'?")
        self.refused("profile", "resnet18", "--batch", 2147483647, "--device", "reference", says="smaller batch")
        self.refused(*profile, "--trace", "nowhere/t.json",
                     says="--trace nowhere/t.json: there is no directory 'nowhere'")
        self.refused(*profile, "--trace", ".", says="--trace .: expected a file, got a directory")
        self.refused(*profile, "--trace", "", says="--trace: expected a value, got ''")
        self.refused(*profile, "--against", "missing.json", says="missing.json")
        # Another net, batch or mode says nothing about this one.
        other = "--against before.json: expected a profile of net 'lenet5', batch 5, mode train, got one of net " \
                "'lenet5', batch 4, mode train"
        self.refused("profile", "lenet5", "--batch", 5, "--device", "reference", "--against", "before.json", says=other)
        self.refused("profile", "mlp", *QUICK, "--against", "before.json", says="expected a profile of net 'mlp'")
        self.refused(*profile, "--mode", "infer", "--against", "before.json",
                     says="mode infer, got one of net 'lenet5'")

    def test_files_that_are_no_profile(self):
        whole = self.earlier()

        def refused(content, says):
            self.write("bad.json", content)
            self.refused("profile", "lenet5", *QUICK, "--against", "bad.json",
                         says=["--against bad.json: expected what 'fovea profile --json' prints", says])

        refused("", "it is no JSON at byte ")
        refused("lenet5", "it is no JSON at byte ")
        refused(json.dumps(whole)[:-9], "it is no JSON at byte ")
        refused(b"\xff\xfe{}", "it is no JSON at byte ")
        refused("[]", "there is no key 'net'")
        refused('{"error": "no such net"}', "there is no key 'net'")
        for key, value, says in [("net", 5, "'net' is not a string"), ("batch", "4", "'batch' is not a whole number"),
                                 ("batch", 4.5, "'batch' is not a whole number"),
                                 ("step_milliseconds", 0, "'step_milliseconds' is not a number above 0"),
                                 ("step_milliseconds", None, "'step_milliseconds' is not a number above 0"),
                                 ("layers", {}, "'layers' is not an array"), ("layers", [7], "there is no key 'layer'"),
                                 ("layers", [{"layer": "conv1", "direction": "forward", "milliseconds": -1}],
                                  "'milliseconds' is not a number above 0")]:
            refused(json.dumps({**whole, key: value}), says)
        for key in ["mode", "device", "precision", "layers"]:
            refused(json.dumps({k: v for k, v in whole.items() if k != key}), f"there is no key '{key}'")


if __name__ == "__main__":
    command.main()
