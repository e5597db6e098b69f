#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea train --augment-on: the host and the device make the same run, of the same files.

FOVEA_TEST_DEVICE is trained on, the reference where it is not set.
"""
import os

import command

DEVICE = os.environ.get("FOVEA_TEST_DEVICE", "reference")
COLOURS = ["train", "mlp", "--data", "synthetic:3x9x7:4", "--batch", 16, "--device", DEVICE]
GREY = ["train", "mlp", "--data", "synthetic:1x9x7:4", "--batch", 16, "--device", DEVICE]
ALL = ("crop:2,flip,shift:1,resized-crop,rotate:10,shear:5,perspective:0.2,brightness:0.2,contrast:0.2,saturation:0.2,"
       "hue:0.1,color:0.2:0.05,pca,blur:1,noise:0.05,cutout:3")


class AugmentOn(command.CommandTest):
    def setUp(self):
        super().setUp()
        if DEVICE not in self.devices():
            self.skipTest(f"no device {DEVICE}")

    def test_the_device_makes_the_files_of_the_host(self):
        few_grey = "crop:2,flip,noise:0.05,blur:1,cutout:3"
        for name, train, augment in [("colours", COLOURS, ALL), ("grey", GREY, few_grey),
                                     ("mixed", COLOURS, ALL + ",mixup:0.4,cutmix:1"), ("mixup", GREY, "mixup:0.2")]:
            few = [*train, "--max-steps", 3, "--augment", augment]
            self.good(*few, "--out", f"{name}-host")
            said = self.good(*few, "--out", f"{name}-device", "--augment-on", "device").out
            self.assertIn(f"augmentation on {DEVICE}", said)
            self.good(*few, "--out", f"{name}-threads", "--augment-on", "device", "--loader-threads", 2)
            for run in ["device", "threads"]:
                self.assertEqual(self.files_in(f"{name}-{run}"), self.files_in(f"{name}-host"))
        self.good(*COLOURS, "--max-steps", 3, "--out", "plain")
        self.assertNotEqual(self.files_in("plain"), self.files_in("colours-host"))

    def test_a_run_may_change_between_them(self):
        for augment in ["crop:2,flip", "flip,mixup:1,cutmix:1"]:
            few = [*GREY, "--augment", augment, "--overwrite", "--max-steps"]
            self.good(*few, 4, "--out", "whole")
            self.good(*few, 2, "--out", "cut", "--augment-on", "device")
            self.good(*few[:-2], "--max-steps", 3, "--resume", "cut")
            self.good(*few[:-2], "--max-steps", 4, "--resume", "cut", "--augment-on", "device")
            self.assertEqual(self.files_in("cut"), self.files_in("whole"))

    def test_what_cannot_be_is_refused(self):
        self.refused(*GREY, "--augment-on", "device", says="--augment-on device: there is nothing to do without --aug")
        self.refused(*GREY, "--augment", "flip", "--augment-on", "gpu", says="--augment-on: expected host or device")
        self.refused(*GREY, "--augment", "hue:0.1", "--augment-on", "device", says="needs 3 channels")


if __name__ == "__main__":
    command.main()
