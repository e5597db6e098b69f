#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fovea data: what check finds, what show draws, what bench measures; data of files in train, eval and predict."""
import os
import unittest

import command

KEYS = {"ok", "data", "sample_shape", "classes", "splits", "mean", "deviation", "unreadable", "duplicates", "problems",
        "notes"}


def picture(value, width=6, height=6):
    """Grey with a mark that makes each value another picture."""
    pixels = [(value * 7 + 3 * i) % 256 for i in range(width * height)]
    return command.pgm(pixels, width, height)


class Check(command.CommandTest):
    def folder(self, **changes):
        """Two classes of ten pictures; `changes` replaces files by name, None removes one."""
        files = {f"data/{name}/{i}.pgm": picture(20 * k + i) for k, name in enumerate("ab") for i in range(10)}
        files.update({f"data/{name.replace('_', '/')}.pgm": content for name, content in changes.items()})
        for name, content in files.items():
            if content is not None:
                self.write(name, content)
        return "folder:data@1x6x6"

    def problems(self, spec, *arguments):
        """The object of a check that must find something wrong."""
        result = self.run_fovea("data", "check", spec, *arguments, "--json")
        self.assertEqual(result.code, 1, result.err)
        self.assertFalse(result.object()["ok"])
        return result.object()

    def test_sound_data(self):
        report = self.json("data", "check", self.folder(), "--holdout", 5)
        self.assertEqual(set(report), KEYS)
        self.assertTrue(report["ok"])
        self.assertEqual(report["classes"], ["a", "b"])
        self.assertEqual(report["data"], "folder:data@1x6x6#holdout=5")
        self.assertEqual([(s["name"], s["samples"], s["per_class"]) for s in report["splits"]],
                         [("train", 16, {"a": 8, "b": 8}), ("test", 4, {"a": 2, "b": 2})])
        self.assertIn("the data are sound", self.good("data", "check", self.folder(), "--holdout", 5).out)

    def test_built_in_data_are_sound(self):
        for spec in [command.DATA, "shapes:16x16", "waves:32:4"]:
            self.assertTrue(self.json("data", "check", spec)["ok"], spec)

    def test_unreadable_files(self):
        report = self.problems(self.folder(a_3=b"P5 6 6 255\n123", b_4=b""))
        self.assertEqual(len(report["unreadable"]), 2)
        self.assertIn("data/a/3.pgm: truncated", report["unreadable"][0])
        self.assertIn("2 of 20 samples cannot be read", report["problems"][0])

    def test_duplicates(self):
        report = self.problems(self.folder(a_3=picture(4), b_5=picture(6)), "--holdout", 5)
        first, second = report["duplicates"]
        self.assertEqual((first["across_classes"], first["across_splits"]), (False, False))
        self.assertEqual([s["file"] for s in first["samples"]], ["data/a/3.pgm", "data/a/4.pgm"])
        # Every fifth file by name is for testing: 0 and 5 of each class.
        self.assertEqual((second["across_classes"], second["across_splits"]), (True, True))
        self.assertEqual({s["class"] for s in second["samples"]}, {"a", "b"})
        self.assertEqual(len(report["problems"]), 2)
        self.assertTrue(any("inside of a class" in note for note in report["notes"]))

    def test_mistakes(self):
        spec = self.folder()
        self.refused("data", "chek", spec, says="expected check, show or bench, got 'chek' (did you mean 'check'?)")
        self.refused("data", "check", spec, "--out", "x.png", says="--out: of no use to 'fovea data check'")
        self.refused("data", "check", "folder:data", says="expected the size of the samples")
        self.refused("data", "check", "folder:nowhere@6", says="nowhere is not a directory")
        self.refused("data", "check", spec + "#holdout=5", "--holdout", 5, says="holdout: given more than once")
        self.refused("data", "show", spec, "--out", "x.png", "--split", "test", says="a train split only")
        self.refused("data", "bench", spec, "--augment", "flop", says="did you mean 'flip'?")
        self.refused("train", "mlp", "--data", spec, says="there is no test split")

    @unittest.skipUnless("FOVEA_DATA" in os.environ, "FOVEA_DATA not set")
    def test_trashnet_has_three_photographs_in_two_classes(self):
        report = self.problems(f"folder:{os.environ['FOVEA_DATA']}/trashnet150@150", "--holdout", 5)
        pairs = {tuple(sorted(os.path.basename(s["file"]) for s in d["samples"])) for d in report["duplicates"]}
        self.assertEqual(pairs, {("glass115.jpg", "metal91.jpg"), ("glass176.jpg", "plastic152.jpg"),
                                 ("glass389.jpg", "plastic332.jpg")})


class ShowAndBench(command.CommandTest):
    def size(self, name):
        header = (self.directory / name).read_bytes()[16:24]
        return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")

    def test_show(self):
        shown = self.json("data", "show", "digits", "--out", "grid.png", "--count", 10)
        self.assertEqual((shown["rows"], shown["columns"], len(shown["samples"])), (3, 4, 10))
        self.assertEqual(self.size("grid.png"), (4 * 30 + 2, 3 * 30 + 2))
        self.assertEqual(self.files(), ["grid.png"])
        first = (self.directory / "grid.png").read_bytes()
        self.good("data", "show", "digits", "--out", "grid.png", "--count", 10)
        self.assertEqual((self.directory / "grid.png").read_bytes(), first)
        augmented = self.json("data", "show", "digits", "--out", "more.png", "--augment", "crop:2", "--count", 3,
                              "--split", "test")
        self.assertEqual((augmented["rows"], augmented["columns"], augmented["split"]), (3, 8, "test"))
        mixed = self.json("data", "show", "digits", "--out", "mixed.png", "--augment", "crop:2,mixup:1,cutmix:1",
                          "--count", 3)
        self.assertNotIn("mixed", augmented["samples"][0])
        for sample in mixed["samples"]:
            self.assertEqual(len(sample["mixed"]), 7)  # an epoch each
            for other in sample["mixed"]:
                self.assertIn(other["class"], "0123456789")
                self.assertTrue(0 <= other["share"] <= 1 and 0 <= other["with"] < 20000, other)
        said = self.good("data", "show", "digits", "--out", "mixed.png", "--augment", "mixup:1", "--count", 1).out
        self.assertRegex(said, r"row 1: \d(  \+ \d+ % \d){7}\n")
        self.refused("data", "show", "shapes:16x16", "--out", "x.png", "--augment", "mixup:1",
                     says="one label for each image")
        self.refused("data", "show", "digits", "--out", "x.png", "--augment", "mixup:0",
                     says="ALPHA: expected a number from 0.01 to 100, got '0'")
        self.refused("data", "show", "waves:32:4", "--out", "x.png", says="only grey and RGB images")
        self.refused("data", "show", "digits", says="--out: expected the file")
        self.refused("data", "show", "digits", "--out", "x.png", "--augment", "hue:0.1", says="needs 3 channels")
        self.refused("data", "show", "synthetic:3x2000x2000:2", "--out", "x.png", "--count", 2000,
                     says="a picture of more than")

    def test_bench(self):
        for i in range(4):
            self.write(f"data/{'ab'[i % 2]}/{i}.pgm", picture(i))
        rates = self.json("data", "bench", "folder:data@8", "--seconds", 0.05, "--batch", 4, "--augment", "flip")
        self.assertEqual(set(rates), {"data", "split", "batch", "augment", "threads", "decode_and_resize_per_second",
                                      "read_per_second", "batches_per_second", "batches_threaded_per_second"})
        self.assertGreater(rates["batches_per_second"], 0)
        made_up = self.json("data", "bench", command.DATA, "--seconds", 0.05)
        self.assertNotIn("decode_and_resize_per_second", made_up)


class FilesInOtherCommands(command.CommandTest):
    def test_train_eval_and_predict(self):
        lines = ["path,label,split"]
        for i in range(24):
            self.write(f"data/{i}.pgm", picture(3 * i, 9, 6))
            lines.append(f"{i}.pgm,{'cat' if i % 2 else 'dog'},{'test' if i % 6 == 0 else 'train'}")
        lines.append("23.pgm,cat,test")
        self.write("data/list.csv", "\n".join(lines))
        spec = "list:data/list.csv@1x6x6"
        self.good("train", "mlp", "--data", spec, "--max-steps", 2, "--batch", 8, "--out", "run", "--device",
                  "reference")
        checkpoint = self.directory / "run" / "last.safetensors"
        for views, count in [("flip", 2), ("five-crop", 5), ("ten-crop", 10), ("random:3", 3)]:
            e = self.json("eval", checkpoint, "--data", spec, "--tta", views, "--device", "reference")
            self.assertEqual(set(e["tta"]), {"views", "count", "accuracy", "loss", "gain"})
            self.assertEqual(e["tta"]["count"], count)
            self.assertAlmostEqual(e["accuracy"] + e["tta"]["gain"], e["tta"]["accuracy"], places=9)
        self.assertNotIn("tta", self.json("eval", checkpoint, "--data", spec, "--device", "reference"))
        self.refused("eval", checkpoint, "--data", spec, "--tta", "six-crop", says="did you mean 'five-crop'?")
        for fit in ["crop", "stretch"]:
            p = self.json("predict", checkpoint, "data/3.pgm", "--fit", fit, "--device", "reference")
            self.assertIn(p["predictions"][0]["classes"][0]["class"], ["cat", "dog"])

    def test_some_classes_only(self):
        e = self.json("data", "check", "digits#classes=3,5#per-class=7")
        self.assertEqual([s["per_class"] for s in e["splits"]], [{"3": 7, "5": 7}, {"3": 400, "5": 400}])
        self.refused("data", "check", "digits", "--classes", "3,13", says="'13' is none of the 10 classes")


if __name__ == "__main__":
    command.main()
