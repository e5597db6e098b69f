#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea op reproduces PyTorch's golden values (tests/goldens) from files, for every type, forward and backward.

The derived bounds are held by tests/ops/goldens_test.cpp, on every device. What is at stake here is that a file's
tensors, options and phase reach the layer and its results reach a file: a slip shows many orders of magnitude above
rounding. So the float64 reference is held to 2^-36 of a tensor's largest magnitude, float32 on the other
devices to 2^-12.
"""
import json
import pathlib

import command
import tensor_file

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
LARGEST_SEED = 2**63 - 1


class Goldens(command.CommandTest):
    def run_case(self, kind, case, device, dtype, labels):
        tensors, code = case["tensors"], {"f32": "F32", "f64": "F64"}[dtype]
        results = {"y"} | {"d" + name for name in tensors if "d" + name in tensors and name != "y"}
        after = {"new_" + name: name for name in case["state"] if "new_" + name in tensors}
        given = {name: t for name, t in tensors.items() if name not in results and name not in after}
        self.write("in.safetensors", tensor_file.pack(
            {name: ("I64" if name in labels else code, t["shape"], t["values"]) for name, t in given.items()}))
        random = case.get("random", {"seed": 1, "step": 0, "layer": 0})
        backward = ["--backward"] if "dy" in tensors else []
        inference = ["--inference"] if case["phase"] == "inference" else []
        self.good("op", kind, "--params", json.dumps(case["params"]), "--in", "in.safetensors",
                  "--out", "out.safetensors", "--device", device, "--dtype", dtype, "--seed", random["seed"],
                  "--step", random["step"], "--layer", random["layer"], *backward, *inference)
        out = tensor_file.unpack((self.directory / "out.safetensors").read_bytes())
        limit = {"f32": 2**-12, "f64": 2**-36}[dtype]
        for name in sorted(results | set(after)):
            expected, (got_code, shape, values) = tensors[name], out[after.get(name, name)]
            self.assertEqual((got_code, shape), (code, expected["shape"]), name)
            largest = max(1, max(abs(v) for v in expected["values"]))
            for index, (a, b) in enumerate(zip(expected["values"], values)):
                self.assertLessEqual(abs(a - b), limit * largest, f"{kind} {case['name']}: {name}[{index}]")
        return len(results) + len(after)

    def test_a_wrong_golden_is_found(self):
        for kind, name in [("linear", "y"), ("linear", "dweight"), ("batch_norm", "new_running_mean")]:
            case = json.loads((GOLDENS / f"{kind}.json").read_text())["cases"][0]
            self.run_case(kind, case, "reference", "f64", [])
            case["tensors"][name]["values"][-1] += 2**-20
            with self.assertRaises(AssertionError, msg=name):
                self.run_case(kind, case, "reference", "f64", [])

    def test_every_type(self):
        others = [device for device in self.devices() if device != "reference"]
        checked = set()
        for op in self.json("op", "--list")["ops"]:
            labels = [t["name"] for t in op["inputs"] if t["dtype"] == "i32"]
            cases = json.loads((GOLDENS / f"{op['name']}.json").read_text())["cases"]
            cases = [c for c in cases if c.get("random", {}).get("seed", 0) <= LARGEST_SEED]
            self.assertGreaterEqual(len(cases), 9, op["name"])
            compared = 0
            for case in cases:
                compared += self.run_case(op["name"], case, "reference", "f64", labels)
            for case, device in [(case, device) for case in [cases[0], cases[-1]] for device in others]:
                compared += self.run_case(op["name"], case, device, "f32", labels)
            self.assertGreater(compared, len(cases), op["name"])
            checked.add(op["name"])
        self.assertEqual(checked, {path.stem for path in GOLDENS.glob("*.json")})


if __name__ == "__main__":
    command.main()
