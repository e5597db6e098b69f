# SPDX-License-Identifier: Apache-2.0
"""Golden cases of softmax and the losses."""
import torch
import torch.nn.functional as F

from golden import Numbers, case

#       name            [N, C]    scale, offset
ROWS = [("Digits",      (5, 10),  1, 0),
        ("OneSample",   (1, 10),  1, 0),
        ("OneClass",    (3, 1),   1, 0),
        ("TwoClasses",  (4, 2),   2, 0),
        ("AllEqual",    (3, 4),   0, 3),
        ("Large",       (3, 5),   5000, 0),
        ("Offset",      (3, 6),   1, 1000),
        ("Negative",    (3, 6),   2, -1000),
        ("Warp33",      (2, 33),  2, 0),
        ("ManyRows",    (17, 3),  4, 0),
        ("Sharp",       (4, 7),   16, 0)]


def scores(numbers, shape, scale, offset):
    return numbers.tensor(*shape) * scale + offset


def of_rows(seed, function):
    numbers = Numbers(seed)
    for name, shape, scale, offset in ROWS:
        yield case(name, {}, numbers, function, {"x": scores(numbers, shape, scale, offset)})


def softmax():
    yield from of_rows(40, lambda x: torch.softmax(x, 1))


def log_softmax():
    yield from of_rows(41, lambda x: torch.log_softmax(x, 1))


def softmax_cross_entropy():
    numbers = Numbers(42)

    def entry(name, shape, scale, offset, params):
        C = shape[1]
        weights = params.get("class_weights")
        weight = torch.tensor(weights, dtype=torch.float64) if weights else None
        smoothing = params.get("label_smoothing", 0)
        tensors = {"logits": scores(numbers, shape, scale, offset),
                   "labels": numbers.labels(shape[0], *shape[2:], classes=C)}

        def function(logits, labels):
            return F.cross_entropy(logits, labels, weight, label_smoothing=smoothing).reshape(1)

        return case(name, params, numbers, function, tensors)

    for name, shape, scale, offset in ROWS:
        yield entry(name, shape, scale, offset, {})
    weights = [0.5, 2, 1, 0.25, 1.5]
    yield entry("Smoothing", (4, 5), 1, 0, {"label_smoothing": 0.125})
    yield entry("SmoothingUsual", (4, 10), 1, 0, {"label_smoothing": 0.1})
    yield entry("Weights", (6, 5), 1, 0, {"class_weights": weights})
    yield entry("WeightZero", (6, 3), 1, 0, {"class_weights": [0, 1, 0.75]})
    yield entry("SmoothingAndWeights", (6, 5), 2, 0, {"label_smoothing": 0.25, "class_weights": weights})
    yield entry("Segmentation", (2, 3, 3, 4), 2, 0, {})
    yield entry("SegmentationAll", (1, 5, 4, 3), 2, 0, {"label_smoothing": 0.125, "class_weights": weights})
    yield entry("Sequence", (2, 4, 5), 1, 0, {"label_smoothing": 0.5})


def soft_cross_entropy():
    numbers = Numbers(47)

    def probabilities(shape, parts=16):
        """Sixteenths that add up to 1 along axis 1; about half of the classes get some."""
        tensor = torch.zeros(shape, dtype=torch.float64).movedim(1, -1).contiguous()
        for row in tensor.view(-1, shape[1]):
            left = parts
            while left:
                part = numbers.random.randint(1, left)
                row[numbers.random.randrange(shape[1])] += part / parts
                left -= part
        return tensor.movedim(-1, 1).contiguous()

    def entry(name, shape, scale, offset, params):
        weights = params.get("class_weights")
        weight = torch.tensor(weights, dtype=torch.float64) if weights else None
        smoothing = params.get("label_smoothing", 0)

        def function(logits, targets):
            return F.cross_entropy(logits, targets, weight, label_smoothing=smoothing).reshape(1)

        return case(name, params, numbers, function,
                    {"logits": scores(numbers, shape, scale, offset), "targets": probabilities(shape)},
                    constant=("targets",))

    for name, shape, scale, offset in ROWS:
        yield entry(name, shape, scale, offset, {})
    weights = [0.5, 2, 1, 0.25, 1.5]
    yield entry("Smoothing", (4, 5), 1, 0, {"label_smoothing": 0.125})
    yield entry("SmoothingUsual", (4, 10), 1, 0, {"label_smoothing": 0.1})
    yield entry("Weights", (6, 5), 1, 0, {"class_weights": weights})
    yield entry("WeightZero", (6, 3), 1, 0, {"class_weights": [0, 1, 0.75]})
    yield entry("SmoothingAndWeights", (6, 5), 2, 0, {"label_smoothing": 0.25, "class_weights": weights})
    yield entry("Segmentation", (2, 3, 3, 4), 2, 0, {})
    yield entry("SegmentationAll", (1, 5, 4, 3), 2, 0, {"label_smoothing": 0.125, "class_weights": weights})
    yield entry("Sequence", (2, 4, 5), 1, 0, {"label_smoothing": 0.5})


def hinge_loss():
    #        name            [N, C]   margin squared average_classes scale
    table = [("Torch",       (4, 5),  1,    False, True,  1), ("Cs231n",     (4, 10), 1,    False, False, 1),
             ("Squared",     (3, 6),  1,    True,  False, 1), ("SquaredTorch", (3, 6), 1,   True,  True,  1),
             ("Perceptron",  (5, 4),  0,    False, False, 1), ("WideMargin", (3, 4),  2.5,  False, False, 1),
             ("NarrowMargin", (6, 3), 0.125, False, True, 1), ("OneSample",  (1, 7),  1,    False, False, 1),
             ("TwoClasses",  (6, 2),  1,    False, False, 1), ("OneClass",   (3, 1),  1,    False, False, 1),
             ("Large",       (3, 5),  1,    True,  False, 64), ("ManyRows",  (19, 3), 0.5,  False, True, 1),
             ("Warp33",      (2, 33), 1,    False, False, 1)]
    numbers = Numbers(43)
    for name, (N, C), margin, squared, average, scale in table:
        def function(scores, labels):
            loss = F.multi_margin_loss(scores, labels, p=2 if squared else 1, margin=margin)  # divides by C
            return (loss if average else loss * C).reshape(1)

        # Multiples of 1/4 and 1/32 more for each row: no score lies exactly at the margin.
        x = numbers.tensor(N, C) * scale + torch.arange(C, dtype=torch.float64) / 64
        yield case(name, {"margin": margin, "squared": squared, "average_classes": average}, numbers, function,
                   {"scores": x, "labels": numbers.labels(N, classes=C)})


SHAPES = [("One", (1, 1)), ("Vectors", (4, 3)), ("OneSample", (1, 9)), ("OneValue", (7, 1)), ("Images", (2, 2, 3, 3)),
          ("Sequences", (3, 2, 4)), ("Masks", (2, 1, 4, 5)), ("Wide", (2, 33)), ("Volume", (1, 2, 2, 2, 2)),
          ("Batch", (17, 2)), ("Pairs", (3, 2))]


def mean_squared_error():
    numbers = Numbers(44)
    for i, (name, shape) in enumerate(SHAPES):
        scale = (1, 16, 2.0**-6)[i % 3]
        yield case(name, {}, numbers, lambda x, target: F.mse_loss(x, target).reshape(1),
                   {"x": numbers.tensor(*shape) * scale, "target": numbers.tensor(*shape) * scale},
                   constant=("target",))


def binary_cross_entropy():
    numbers = Numbers(45)
    for i, (name, shape) in enumerate(SHAPES):
        scale = (1, 8, 64)[i % 3]
        target = numbers.tensor(*shape, low=0, high=1, parts=1 if i % 2 else 8)
        yield case(name, {}, numbers, lambda x, target: F.binary_cross_entropy_with_logits(x, target).reshape(1),
                   {"x": numbers.tensor(*shape) * scale, "target": target}, constant=("target",))


def one_hot():
    #        N  classes on, off
    table = [(5, 10, 1, 0), (1, 1, 1, 0), (3, 2, 1, 0), (4, 3, 1, -1), (2, 33, 1, 0), (6, 5, 0.75, 0.0625),
             (17, 4, 1, 0), (3, 7, -2.5, 0.5), (1, 10, 1, 0), (8, 2, 1, -1), (2, 100, 1, 0)]
    numbers = Numbers(46)
    for i, (N, C, on, off) in enumerate(table):
        yield case(f"Case{i}", {"classes": C, "on": on, "off": off}, numbers,
                   lambda labels: F.one_hot(labels, C).to(torch.float64) * (on - off) + off,
                   {"labels": numbers.labels(N, classes=C)})


TYPES = [softmax, log_softmax, softmax_cross_entropy, soft_cross_entropy, hinge_loss, mean_squared_error,
         binary_cross_entropy, one_hot]
