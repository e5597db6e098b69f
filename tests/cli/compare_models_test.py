#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea compare on every built-in net, forward and backward, isolated and chained.

Called as compare_models_test.py FOVEA [unittest arguments]. FOVEA_COMPARE=long takes the large nets, else the small;
FOVEA_TEST_DEVICE, NAME or NAME:ENGINE, is compared with the reference, emu where it is not set.
"""
import os
import unittest

import command

# Where the plain loops of the reference would take over a minute, smaller images, fewer classes and a smaller batch:
# net, data (None: made-up data of the net's own shape), images. All layers are there; a filter does not know how large
# its image is. Batch normalisation needs some values in every channel to be well conditioned: 64x64 leaves 2x2 places
# in the last stage of a ResNet, times 2 images. VGG with it has 2x2 there after four of its five poolings.
SMALL = [
    ("softmax", None, 4),
    ("svm", None, 4),
    ("perceptron", None, 4),
    ("adaline", None, 4),
    ("mlp", None, 4),
    ("lenet5", None, 4),
    ("lenet5-1998", None, 4),
    ("alexnet-cifar", None, 1),
    ("convnetjs-cifar", None, 2),
    ("resnet20", "synthetic:3x16x16:10", 2),
    ("fcn-small", None, 2),
    ("conv1d-small", None, 4),
]
LARGE = [
    ("alexnet-2012", "synthetic:3x67x67:10", 1),
    ("alexnet", "synthetic:3x63x63:10", 1),
    ("vgg11", "synthetic:3x32x32:10", 1),
    ("vgg11_bn", "synthetic:3x32x32:10", 2),
    ("vgg13", "synthetic:3x32x32:10", 1),
    ("vgg13_bn", "synthetic:3x32x32:10", 2),
    ("vgg16", "synthetic:3x32x32:10", 1),
    ("vgg16_bn", "synthetic:3x32x32:10", 2),
    ("vgg19", "synthetic:3x32x32:10", 1),
    ("vgg19_bn", "synthetic:3x32x32:10", 2),
    ("resnet18", "synthetic:3x64x64:10", 2),
    ("resnet34", "synthetic:3x64x64:10", 2),
    ("resnet50", "synthetic:3x64x64:10", 2),
    ("resnet20", None, 2),
    ("resnet32", "synthetic:3x16x16:10", 2),
    ("resnet44", "synthetic:3x16x16:10", 2),
    ("resnet56", "synthetic:3x16x16:10", 2),
]
DEVICE = os.environ.get("FOVEA_TEST_DEVICE", "emu")
TABLE = LARGE if os.environ.get("FOVEA_COMPARE") == "long" else SMALL


class CompareModels(command.CommandTest):
    def compare(self, mode):
        if DEVICE.partition(":")[0] not in self.devices():
            self.skipTest(f"no device {DEVICE}")
        for net, data, batch in TABLE:
            with self.subTest(net=net, mode=mode):
                arguments = ["compare", net, "--devices", f"reference,{DEVICE}", "--mode", mode, "--batch", batch]
                result = self.json(*arguments, *(["--data", data] if data else []), timeout=3000)
                print(f"{mode} {net} {data or 'its own shape'} batch {batch}: worst error/bound "
                      f"{result['worst_ratio']:.3f}, undecided {result['undecided']} of {result['decisions']}",
                      flush=True)
                self.assertTrue(result["ok"])
                self.assertLessEqual(result["worst_ratio"], 1)
                self.assertGreater(result["worst_ratio"], 0)
                self.assertEqual(result["net"], net)

    def test_isolated(self):
        self.compare("isolated")

    def test_chained(self):
        self.compare("chained")

    def test_the_table_has_every_net(self):
        message = self.refused("summary", "no-such-net")
        names = message.split("expected ")[1].split(" or a .toml")[0].split(", ")
        self.assertEqual(set(names), {row[0] for row in SMALL + LARGE})


class Narrow(command.CommandTest):
    def setUp(self):
        super().setUp()
        if DEVICE.partition(":")[0] not in self.devices():
            self.skipTest(f"no device {DEVICE}")
        self.devices_given = ["--devices", f"reference,{DEVICE}", "--precision"]

    def test_16_bits(self):
        for net, data, batch in SMALL:
            for precision in ("bf16", "fp16"):
                with self.subTest(net=net, precision=precision):
                    arguments = ["compare", net, "--batch", batch, *self.devices_given, precision]
                    result = self.json(*arguments, *(["--data", data] if data else []), timeout=3000)
                    print(f"isolated {precision} {net}: worst error/bound {result['worst_ratio']:.3f}", flush=True)
                    self.assertTrue(result["ok"])
                    self.assertEqual(result["precision"], precision)
        damaged = self.run_fovea("compare", "lenet5", *self.devices_given, "bf16", "--inject", "conv2")
        self.assertEqual(damaged.code, 1, damaged.err)
        self.refused("compare", "mlp", *self.devices_given, "bf16", "--mode", "chained", says="isolated mode only")

    def test_a_device_without_16_bits_says_so(self):
        self.refused("compare", "lenet5", *self.devices_given, "bf16", says="bf16")


# The large nets have the same operations.
if TABLE is LARGE:
    del Narrow
elif DEVICE in ("emu", "cuda", "cuda:native", "cuda:library"):
    del Narrow.test_a_device_without_16_bits_says_so
else:
    del Narrow.test_16_bits


if __name__ == "__main__":
    command.main()
