#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear message, exit code 2, nothing left behind. Each case also shows that its sound twin works."""
import command

ON_REFERENCE = ["--device", "reference"]


def train(net, data, *more):
    return ["train", net, "--data", data, "--max-steps", 1, "--out", "out", *ON_REFERENCE, *more]


class IdxFiles(command.CommandTest):
    def make(self, **changes):
        """A data directory whose files are changed, or left out where None."""
        for name, content in {**command.mnist_files(), **{k.replace("_", "-"): v for k, v in changes.items()}}.items():
            if content is not None:
                self.write(f"data/{name}", content)
        return ["mlp", "mnist:data", "--batch", 4]

    def test_sound_files_work(self):
        self.good(*train(*self.make()))

    def test_compressed_files_work(self):
        for name, content in command.mnist_files().items():
            self.write(f"data/{name}.gz", command.gzipped(content))
        self.good(*train("mlp", "mnist:data", "--batch", 4))

    def broken(self, says, **changes):
        self.refused(*train(*self.make(**changes)), says=["data/", *says])

    def test_truncated(self):
        files = command.mnist_files()
        self.broken(["train-images-idx3-ubyte"], train_images_idx3_ubyte=files["train-images-idx3-ubyte"][:-1])
        self.broken(["t10k-labels-idx1-ubyte"], t10k_labels_idx1_ubyte=files["t10k-labels-idx1-ubyte"][:-1])
        self.broken(["train-images-idx3-ubyte"], train_images_idx3_ubyte=files["train-images-idx3-ubyte"][:10])
        self.broken(["train-images-idx3-ubyte"], train_images_idx3_ubyte=b"")

    def test_oversized(self):
        files = command.mnist_files()
        self.broken(["train-images-idx3-ubyte"], train_images_idx3_ubyte=files["train-images-idx3-ubyte"] + b"\0")
        # A header that claims 4 G images must not allocate them.
        self.broken(["train-images-idx3-ubyte"],
                    train_images_idx3_ubyte=command.idx_images([bytes(784)], claimed=0xFFFFFFFF))

    def test_mislabelled(self):
        files = command.mnist_files()
        self.broken(["train-images-idx3-ubyte"], train_images_idx3_ubyte=files["train-labels-idx1-ubyte"])
        self.broken(["train-images-idx3-ubyte"],
                    train_images_idx3_ubyte=command.idx_images([bytes(784)] * 20, magic=0x00000D03))
        self.broken(["train-labels-idx1-ubyte"], train_labels_idx1_ubyte=b"not an IDX file at all")

    def test_counts_differ(self):
        self.broken(["20", "19"], train_labels_idx1_ubyte=command.idx_labels([i % 10 for i in range(19)]))

    def test_label_out_of_range(self):
        self.broken(["train-labels-idx1-ubyte", "10"], train_labels_idx1_ubyte=command.idx_labels([10] + [0] * 19))

    def test_missing(self):
        self.broken(["t10k-labels-idx1-ubyte"], t10k_labels_idx1_ubyte=None)
        self.refused(*train("mlp", "mnist:nowhere"), says=["nowhere", "get_data.sh"])

    def test_unknown_data(self):
        self.refused(*train("mlp", "digitz"), says="digitz")
        for spec in ["synthetic:1x28:10", "synthetic:1x28x28", "synthetic:0x28x28:10", "synthetic:1x28x28:1e1",
                     "mnist:", "cifar10:", "cifar10:nowhere", "shapes:32", "shapes:4x32", "waves:128", "waves:8:4"]:
            self.refused(*train("mlp", spec), says=spec.split(":")[0])

    def test_labels_that_do_not_fit(self):
        self.refused(*train("fcn-small", "synthetic:1x32x32:4"),
                     says="labels [32, 32] for each sample, the data have []")
        self.refused(*train("lenet5", "shapes:28x28"), says="labels [] for each sample, the data have [28, 28]")
        self.refused(*train("conv1d-small", "digits"), says="cannot be built for samples [1, 28, 28]")

    def test_only_nets_that_classify_images_predict(self):
        for net, data in [("fcn-small", "shapes:16x16"), ("conv1d-small", "waves:64:3")]:
            self.good("train", net, "--data", data, "--max-steps", 1, "--device", "reference", "--out", net)
            self.write("image.pgm", command.pgm([0] * 64, 8, 8))
            self.refused("predict", f"{net}/last.safetensors", "image.pgm", says="does not classify images")


HEAD = 'input = [1, 28, 28]\n'
CONV = '[[layer]]\nname = "conv1"\ntype = "conv2d"\nout_channels = 2\nkernel = 3\n'
DENSE = '[[layer]]\nname = "fc"\ntype = "linear"\nout_features = 10\n'


class NetFiles(command.CommandTest):
    def test_a_sound_file_works(self):
        self.write("net.toml", HEAD + CONV + DENSE)
        self.good(*train("net.toml", command.DATA))

    def broken(self, toml, *says):
        self.write("net.toml", toml)
        for arguments in [train("net.toml", command.DATA), ["summary", "net.toml"],
                          ["compare", "net.toml", "--devices", "reference,emu"]]:
            self.refused(*arguments, says=["net.toml:", *says])

    def test_unknown_layer(self):
        self.broken(HEAD + CONV.replace("conv2d", "conv3d") + DENSE, "'conv1'", "conv3d", "did you mean 'conv1d'?")

    def test_unknown_key(self):
        self.broken(HEAD + CONV + "strid = 2\n" + DENSE, "net.toml:7:1", "did you mean 'stride'?")

    def test_wrong_type(self):
        self.broken(HEAD + CONV.replace("= 3", '= "3"') + DENSE, "kernel", "whole number", 'got the string "3"')

    def test_cycle(self):
        self.broken(HEAD + CONV + 'inputs = ["fc"]\n' + DENSE, "cycle", "conv1 <- fc <- conv1")

    def test_shape_mismatch(self):
        self.broken(HEAD + CONV + '[[layer]]\nname = "sum"\ntype = "add"\ninputs = ["image", "conv1"]\n' + DENSE,
                    "'sum'", "[1, 1, 28, 28]", "[1, 2, 26, 26]")

    def test_kernel_larger_than_padded_input(self):
        self.broken(HEAD + CONV.replace("= 3", "= 31\npadding = 1") + DENSE, "'conv1'", "31x31", "30x30")

    def test_syntax_error(self):
        self.broken("input = [1, 28\n" + DENSE, "syntax error")

    def test_many_faults_are_told_at_once(self):
        self.broken(HEAD + CONV.replace("= 3", "= 0") + "strid = 2\n" + DENSE.replace("linear", "liner"),
                    "net.toml:6:10", "net.toml:7:1", "net.toml:10:8")

    def test_no_such_net(self):
        self.refused(*train("lenet", command.DATA), says="did you mean 'lenet5'?")
        self.refused(*train("nowhere.toml", command.DATA), says="nowhere.toml: cannot read the net file")

    def test_net_and_data_do_not_fit(self):
        self.write("net.toml", HEAD + CONV + DENSE)
        self.refused(*train("net.toml", "synthetic:3x28x28:10"), says=["[1, 28, 28]", "[3, 28, 28]"])
        self.refused(*train("net.toml", "synthetic:1x28x28:11"), says=["10 classes", "11 classes"])

    def test_a_net_that_classifies_positions_and_data_that_do_not(self):
        self.write("net.toml", HEAD + CONV)
        self.refused(*train("net.toml", command.DATA), says=["do not fit", "2 classes"])


class Options(command.CommandTest):
    def test_batch(self):
        for batch in ["0", "-1", "2147483648", "99999999999999999999"]:
            self.refused(*train("mlp", command.DATA, "--batch", batch), says=["--batch", batch])
        self.refused(*train("mlp", command.DATA, "--batch", "1000000"), says=["--batch", "1000000"])
        self.refused("compare", "mlp", "--devices", "reference,emu", "--batch", "1000000", says=["--batch", "1000000"])

    def test_learning_rate(self):
        for rate in ["nan", "-0.5", "inf"]:
            self.refused(*train("mlp", command.DATA, "--lr", rate), says=["--lr", rate])

    def test_empty_values(self):
        for option in ["--data", "--test-data", "--device", "--engine", "--out", "--resume"]:
            command_line = ["train", "mlp", "--data", command.DATA, "--max-steps", 1]
            if option == "--data":
                command_line[3] = ""
            else:
                command_line += [option, ""]
            self.refused(*command_line, says=[option, "expected a value"])
        self.refused("compare", "mlp", "--devices", "reference,emu", "--inject", "", says=["--inject"])
        self.refused("summary", "", says=["NET"])

    def test_inject(self):
        for layer, says in [("fc3", "did you mean 'fc1'?"), ("image", "'image'")]:
            self.refused("compare", "mlp", "--devices", "reference,emu", "--inject", layer, says=[says])

    def test_output_path_that_cannot_be_made(self):
        self.write("file", "")
        out = train("mlp", command.DATA)
        for path in ["file", "file/run", "new/" + "x" * 300, "/proc/fovea/run"]:
            out[out.index("--out") + 1] = path
            self.refused(*out, says=["--out: cannot make the directory", path])

    def test_cuda_without_a_gpu(self):
        if self.cuda_is_available():
            self.skipTest("this machine has a GPU")
        out = train("mlp", command.DATA)
        out[out.index("--device") + 1] = "cuda"
        self.refused(*out, says="cuda")
        self.refused("compare", "mlp", "--devices", "reference,cuda", says="cuda")

    def cuda_is_available(self):
        return any(d["name"] == "cuda" and d["available"] for d in self.json("devices")["devices"])

    def test_knn(self):
        knn = ["knn", "--data", "synthetic:1x4x4:3"]  # 2,048 training and 512 test images
        self.good(*knn, "--train", 5, "--test", 1, *ON_REFERENCE)
        self.refused("knn", says="--data is required")
        self.refused("knn", "--data", "digitz", says="did you mean 'digits'?")
        self.refused(*knn, "--k", 0, says="--k: expected a whole number from 1")
        self.refused(*knn, "--k", 2049, says="--k: expected at most 2048 (the training images), got 2049")
        self.refused(*knn, "--train", 4, says="--k: expected at most 4 (the training images), got 5")
        self.refused(*knn, "--train", 2049, says="--train: expected at most 2048 (the images of 'synthetic:1x4x4:3')")
        self.refused(*knn, "--test", 513, says="--test: expected at most 512 (the images of 'synthetic:1x4x4:3')")
        for count in ["0", "-1", "1.5", "x"]:
            self.refused(*knn, "--train", count, says="--train: expected a whole number from 1")
            self.refused(*knn, "--test", count, says="--test: expected a whole number from 1")
        self.refused(*knn, "--norm", "l3", says="--norm: expected l2 or l1, got 'l3'")
        self.refused(*knn, "--device", "gpu", says="'gpu'")


class Checkpoints(command.CommandTest):
    def refused_everywhere(self, checkpoint, says=()):
        image = self.write("a.pgm", command.pgm([0] * 784, 28, 28))
        for arguments in [["eval", checkpoint, "--data", command.DATA], ["predict", checkpoint, image],
                          ["compare", "mlp", "--devices", "reference,emu", "--weights", checkpoint]]:
            self.refused(*arguments, says=[str(checkpoint), *says])

    def test_missing(self):
        self.refused_everywhere("nowhere.safetensors")

    def test_truncated(self):
        checkpoint = self.trained()
        content = checkpoint.read_bytes()
        for size in [0, 7, 8, 100, len(content) // 2, len(content) - 1]:
            checkpoint.write_bytes(content[:size])
            self.refused("eval", checkpoint, "--data", command.DATA, says=str(checkpoint))
        checkpoint.write_bytes(content + b"\0")
        self.refused_everywhere(checkpoint)

    def test_one_flipped_bit_anywhere(self):
        checkpoint = self.trained(net="softmax")
        content = checkpoint.read_bytes()
        positions = list(range(0, 64)) + list(range(64, len(content), len(content) // 40)) + [len(content) - 1]
        for position in positions:
            damaged = bytearray(content)
            damaged[position] ^= 1 << (position % 8)
            checkpoint.write_bytes(damaged)
            result = self.run_fovea("eval", checkpoint, "--data", command.DATA, *ON_REFERENCE)
            self.assertEqual((result.code, result.out), (2, ""), f"byte {position}: {result.err}")
            self.assertIn(str(checkpoint), result.err)
        checkpoint.write_bytes(content)
        self.good("eval", checkpoint, "--data", command.DATA, *ON_REFERENCE)

    def test_another_net(self):
        checkpoint = self.trained(net="softmax")
        self.refused("compare", "mlp", "--devices", "reference,emu", "--weights", checkpoint,
                     says=[str(checkpoint), "fc1"])
        self.refused(*train("mlp", command.DATA, "--resume", "run"), says="another net")

    def test_resuming_another_file(self):
        checkpoint = self.trained()
        other = checkpoint.rename(checkpoint.with_name("best.safetensors"))
        self.refused(*train("mlp", command.DATA, "--resume", other), says=["--resume", "last.safetensors", str(other)])
        message = self.refused(*train("mlp", command.DATA, "--resume", checkpoint), says=str(checkpoint))
        self.assertNotIn("last.safetensors/last.safetensors", message)

    def test_other_data(self):
        checkpoint = self.trained()
        self.refused("eval", checkpoint, "--data", "synthetic:3x28x28:10", says=["[1, 28, 28]", "[3, 28, 28]"])
        self.refused(*train("mlp", "synthetic:1x28x28:9", "--resume", "run"), says="run/last.safetensors")

    def test_other_options(self):
        self.trained()
        for option, value in [("--seed", 2), ("--batch", 32), ("--lr", 0.5), ("--momentum", 0.5),
                              ("--weight-decay", 0.1)]:
            self.refused(*train("mlp", command.DATA, "--resume", "run", option, value), says="cannot resume")

    def test_not_an_image(self):
        checkpoint = self.trained()
        good = self.write("a.pgm", command.pgm([0] * 784, 28, 28))
        for content in [b"", b"P5\n28 28\n255\n", b"P5\n28 28\n255\n" + bytes(783), b"\x89PNG\r\n\x1a\n", b"GIF89a"]:
            bad = self.write("bad.pgm", content)
            self.refused("predict", checkpoint, good, bad, says="bad.pgm")
        self.refused("predict", checkpoint, "nowhere.png", says="nowhere.png")


if __name__ == "__main__":
    command.main()
