#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The times of fovea profile: that they are a whole step's, and where the work is. Nothing else may run beside it: who
shares a core is interrupted in some layers and not in others."""
import command


class Times(command.CommandTest):
    def profile(self, net, *arguments):
        return self.json("profile", net, *arguments, "--threads", 1)

    def test_the_sum_is_the_whole_step(self):
        # Enough work in each layer that waiting for it costs nothing. The best of a few runs: the machine may be shared
        # all the same.
        for device, batch, steps in [("reference", 4, 5), ("cpu", 16, 20)]:
            if device not in self.devices():
                continue
            gaps = []
            while len(gaps) < 5 and (not gaps or abs(gaps[-1]) > 0.05):
                profile = self.profile("alexnet-cifar", "--device", device, "--batch", batch, "--steps", steps)
                gaps.append(profile["gap"])
            self.assertLessEqual(abs(gaps[-1]), 0.05, f"{device}: {gaps}")

    def test_they_are_where_the_work_is(self):
        profile = self.profile("lenet5", "--device", "reference", "--batch", 4, "--steps", 5)
        time = {(row["layer"], row["direction"]): row["milliseconds"] for row in profile["layers"]}
        # The textbook's convolution takes longer than what it feeds, and two gradients longer than one value.
        self.assertGreater(time["conv2", "forward"], time["relu2", "forward"])
        self.assertGreater(time["conv2", "backward"], time["conv2", "forward"])
        self.assertGreater(max(row["share"] for row in profile["layers"]), 2 / len(profile["layers"]))


if __name__ == "__main__":
    command.main()
