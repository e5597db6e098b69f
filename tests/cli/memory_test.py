#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training that does not fit: the device's memory is planned before anything is allocated or written, batches are cut
into pieces, and a disk that is full leaves the last checkpoint as it was."""
import json
import re
import struct

import command

DATA = "synthetic:1x12x12:4"  # 2,048 training images
TRAIN = ["train", "net.toml", "--data", DATA, "--batch", 100, "--epochs", 1, "--device", "reference"]


class Memory(command.CommandTest):
    def setUp(self):
        super().setUp()
        self.write("net.toml", command.net_file(16))
        self.whole = self.json(*TRAIN, "--out", "whole")

    def tensors(self, run):
        """The checkpoint's numbers: what follows the header of a safetensors file."""
        content = (self.directory / run / "last.safetensors").read_bytes()
        return content[8 + struct.unpack("<Q", content[:8])[0]:]

    def losses(self, run):
        return [json.loads(line)["loss"] for line in (self.directory / run / "metrics.jsonl").read_text().splitlines()]

    def test_what_does_not_fit_is_refused_with_what_would(self):
        needed = self.whole["planned_bytes"]
        self.good(*TRAIN, "--memory-limit", needed, "--max-steps", 1)
        for limit in (needed - 1, needed * 4 // 5, needed * 3 // 5):
            small = [*TRAIN, "--memory-limit", limit]
            message = self.refused(*small, says=["net 'net' with 100 images at once takes", "fc ", "conv ", "  total"])
            self.assertIn(f"--memory-limit is {limit / 1024**2:.1f} MiB", message)
            piece = int(re.search(r"--micro-batch (\d+) ", message).group(1))
            self.assertGreater(piece, 0)
            cut = self.json(*small, "--micro-batch", piece, "--out", f"cut{limit}")
            self.assertLessEqual(cut["planned_bytes"], limit)
            self.assertEqual(cut["micro_batch"], piece)

    def test_the_largest_batch_that_fits_is_said_and_fits(self):
        limit = self.whole["planned_bytes"] * 3
        many = [*TRAIN[:4], "--batch", 2000, *TRAIN[6:], "--max-steps", 1, "--memory-limit", limit]
        message = self.refused(*many, says="the largest --batch that fits is ")
        batch = int(re.search(r"fits is (\d+);", message).group(1))
        self.assertGreater(batch, 200)
        many[5] = batch
        self.good(*many)
        many[5] = batch + 1
        self.refused(*many, says=f"the largest --batch that fits is {batch};")

    def test_auto_takes_the_whole_batch_or_pieces(self):
        text = self.good(*TRAIN, "--micro-batch", "auto", "--out", "auto").out
        self.assertIn("note: the whole batch of 100 is computed at once", text)
        self.assertEqual(self.files_in("auto"), self.files_in("whole"))
        limit = self.json(*TRAIN, "--micro-batch", 100, "--max-steps", 0)["planned_bytes"] * 3 // 5
        cut = self.json(*TRAIN, "--micro-batch", "auto", "--memory-limit", limit, "--out", "cut")
        self.assertLess(cut["micro_batch"], 100)
        self.assertLessEqual(cut["planned_bytes"], limit)
        same = [*TRAIN, "--micro-batch", cut["micro_batch"]]
        self.good(*same, "--out", "same")
        self.assertEqual(self.files_in("same"), self.files_in("cut"))
        self.refused(*TRAIN, "--micro-batch", "auto", "--memory-limit", "10K", says="and no --micro-batch of a batch")

    def test_pieces_make_the_step_of_the_whole_batch(self):
        text = self.good(*TRAIN, "--micro-batch", 30, "--out", "cut").out
        self.assertIn("note: each batch of 100 is computed in pieces of 30\n", text)
        whole, cut = self.losses("whole"), self.losses("cut")
        self.assertEqual(len(whole), len(cut))
        # The first loss is a mean of the same numbers: summed in float64, rounded once for each piece and once more.
        self.assertLessEqual(abs(whole[0] - cut[0]), 4 * 2**-24 * whole[0])
        # Bit for bit, pieces are batches whose gradients are added up.
        added = [*TRAIN, "--accumulate", 4]
        added[5] = 25
        self.good(*added, "--out", "added")
        self.good(*TRAIN, "--micro-batch", 25, "--out", "quarters")
        self.assertTrue(self.tensors("added") == self.tensors("quarters"))
        self.assertEqual(self.losses("added"), self.losses("quarters"))

    def test_layers_that_look_at_pieces_are_named(self):
        self.write("net.toml", command.net_file(16, "batch_norm"))
        text = self.good(*TRAIN, "--micro-batch", 50, "--max-steps", 1).out
        self.assertIn("pieces of 50, and batch norm looks at each piece by itself", text)

    def test_a_cut_run_goes_on_in_the_same_pieces(self):
        train = [*TRAIN, "--validation", 0.25]
        train[train.index("--epochs") + 1] = 2
        self.good(*train, "--micro-batch", 30, "--out", "pieces")
        for more in ([], ["--micro-batch", "auto"], ["--micro-batch", 30]):
            self.good(*train, "--micro-batch", 30, "--out", "cut", "--max-steps", 3, "--overwrite")
            self.good(*train, *more, "--resume", "cut")
            self.assertEqual(self.files_in("cut"), self.files_in("pieces"))
        self.refused(*train, "--resume", "cut", "--micro-batch", 20,
                     says="cannot resume: micro batch was 30 in the checkpoint and is 20 now")
        self.refused(*train, "--resume", "cut", "--memory-limit", "100K",
                     says="a run that goes on keeps its batch and micro-batch")

    def test_bad_values(self):
        for options, says in [
                (["--micro-batch", 0], "--micro-batch: expected auto or a whole number from 1 to 100 (the batch)"),
                (["--micro-batch", 101], "from 1 to 100 (the batch), got '101'"),
                (["--micro-batch", "some"], "from 1 to 100 (the batch), got 'some'"),
                (["--memory-limit", "0"], "--memory-limit: expected bytes, at least 1: 2000000000, or 512M or 2G"),
                (["--memory-limit", "2g"], "got '2g'"),
                (["--memory-limit", "1.5G"], "got '1.5G'"),
                (["--memory-limit", "G"], "got 'G'"),
                (["--memory-limit", "-1"], "got '-1'"),
                (["--memory-limit", "99999999999999999T"], "got '99999999999999999T'"),
                (["--memory-limit", "16777216T"], "got '16777216T'")]:
            with self.subTest(options=options):
                self.refused(*TRAIN, *options, says=says)
        for limit in ["1048576K", "1024M", "1G", "1073741824", "16777215T"]:
            self.good(*TRAIN, "--memory-limit", limit, "--max-steps", 1)

    def test_a_full_disk_leaves_the_last_checkpoint(self):
        self.good(*TRAIN, "--max-steps", 3, "--out", "run")
        before = self.files_in("run")
        size = before["last.safetensors"][0]
        for largest in (size * 9 // 10, size // 2):  # which metrics.jsonl does not need
            failed = self.run_fovea(*TRAIN, "--resume", "run", largest_file=largest)
            self.assertEqual(failed.code, 2, failed.err)
            self.assertEqual(failed.err, "fovea: run/last.safetensors: cannot write: File too large\n")
            after = self.files_in("run")
            self.assertEqual(after["last.safetensors"], before["last.safetensors"])
            self.assertEqual(set(after), set(before), "a temporary file is left")
        self.good(*TRAIN, "--resume", "run")
        self.assertEqual(self.files_in("run"), self.files_in("whole"))


if __name__ == "__main__":
    command.main()
