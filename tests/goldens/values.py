# SPDX-License-Identifier: Apache-2.0
"""Golden cases of the layers that go value by value, of normalisation, and of those that only move values."""
import math

import torch
import torch.nn.functional as F

from golden import Numbers, case, count, f32

#         name            shape         scale of multiples of 1/4 in [-2, 2]
VALUES = [("One",         (1,),         1),
          ("Vector",      (31,),        1),
          ("Matrix",      (3, 5),       1),
          ("Sequence",    (2, 3, 4),    1),
          ("Image",       (2, 3, 3, 2), 1),
          ("Volume",      (1, 2, 2, 3, 2), 1),
          ("Fine",        (4, 9),       2.0**-7),
          ("Tiny",        (24,),        2.0**-30),
          ("Wide",        (4, 8),       4),
          ("Saturated",   (20,),        16),
          ("Extreme",     (16,),        128)]


def of_one_input(seed, function, options=({},)):
    """All of VALUES, the options in turn."""
    numbers = Numbers(seed)
    for i, (name, shape, scale) in enumerate(VALUES):
        params = options[i % len(options)]
        x = numbers.tensor(*shape, parts=8) * scale
        if count(shape) > 10:
            x.view(-1)[1] = 0
        yield case(name, params, numbers, lambda x: function(x, **params), {"x": x})


def relu():
    yield from of_one_input(20, torch.relu)


def tanh():
    yield from of_one_input(21, torch.tanh)


def agreeing(accurate, usual):
    """`accurate`, where PyTorch's own function cancels in the tails; the two must agree as far as `usual` is exact."""
    def function(x, **options):
        y = accurate(x, **options)
        assert torch.allclose(y, usual(x, **options), rtol=1e-13, atol=1e-14), (y, usual(x, **options))
        return y
    return function


def sigmoid():  # PyTorch's derivative y (1 - y) is off where y is near 1
    yield from of_one_input(22, agreeing(lambda x: 1 / (1 + torch.exp(-x)), torch.sigmoid))


def gelu():  # 1 + erf is off where erf is near -1
    yield from of_one_input(23, agreeing(lambda x: x * torch.erfc(-x / math.sqrt(2)) / 2, F.gelu))


def silu():
    yield from of_one_input(24, F.silu)


def leaky_relu():
    yield from of_one_input(25, lambda x, slope=0.01: F.leaky_relu(x, f32(slope)),
                            ({}, {"slope": 0.25}, {"slope": 0.1}, {"slope": 1.5}))


def elu():
    def accurate(x, alpha=1):
        # exp(x) - 1 is off where x is near 0, and PyTorch's derivative of expm1(x), that plus 1, where it is near -1.
        power = torch.exp(x)
        return torch.where(x > 0, x, f32(alpha) * (torch.expm1(x).detach() + (power - power.detach())))

    yield from of_one_input(26, agreeing(accurate, lambda x, alpha=1: F.elu(x, f32(alpha))),
                            ({}, {"alpha": 0.5}, {"alpha": 0.3}))


def prelu():
    numbers = Numbers(27)
    shapes = [(3, 4), (2, 5), (1, 1), (4, 33), (2, 3, 7), (1, 2, 3, 4), (5, 4, 2, 2), (2, 1, 3, 3), (3, 8, 1, 1),
              (1, 2, 2, 3, 2), (7, 2, 5)]
    for i, shape in enumerate(shapes):
        shared = i % 3 == 2
        tensors = {"x": numbers.tensor(*shape), "weight": numbers.tensor(1 if shared else shape[1], low=-1, parts=8)}
        yield case(f"{'Shared' if shared else 'Channels'}{i}", {"shared": shared}, numbers, F.prelu, tensors)


def of_two_inputs(seed, function):
    numbers = Numbers(seed)
    for name, shape, scale in VALUES:
        yield case(name, {}, numbers, function,
                   {"x0": numbers.tensor(*shape) * scale, "x1": numbers.tensor(*shape) * scale})


def add():
    yield from of_two_inputs(28, torch.add)


def multiply():
    yield from of_two_inputs(29, torch.mul)


def concat():
    #        name           axis, shapes
    table = [("TwoImages",  1, [(2, 3, 4, 3), (2, 2, 4, 3)]),
             ("OneInput",   1, [(2, 3, 2, 2)]),
             ("Three",      1, [(1, 1, 3, 3), (1, 4, 3, 3), (1, 2, 3, 3)]),
             ("Vectors",    1, [(4, 5), (4, 1)]),
             ("Rows",       2, [(1, 2, 3, 4), (1, 2, 1, 4)]),
             ("Columns",    3, [(2, 2, 3, 1), (2, 2, 3, 5)]),
             ("Sequences",  2, [(2, 3, 4), (2, 3, 7)]),
             ("Five",       1, [(2, i, 2) for i in (1, 2, 3, 1, 2)]),
             ("Inception",  1, [(1, 4, 2, 2), (1, 8, 2, 2), (1, 2, 2, 2), (1, 2, 2, 2)]),
             ("Volume",     4, [(1, 2, 2, 2, 2), (1, 2, 2, 2, 3)]),
             ("Batch",      1, [(9, 1, 1, 2), (9, 3, 1, 2)])]
    numbers = Numbers(30)
    for name, axis, shapes in table:
        tensors = {f"x{i}": numbers.tensor(*shape) for i, shape in enumerate(shapes)}
        yield case(name, {"axis": axis}, numbers, lambda *inputs: torch.cat(inputs, axis), tensors)


def reshape():
    table = [((2, 12), [3, 4]), ((2, 12), [3, -1]), ((1, 24), [2, 3, 4]), ((3, 2, 3, 4), [24]), ((3, 2, 3, 4), [-1, 4]),
             ((2, 6, 1, 1), [6]), ((5, 4), [1, 2, 2]), ((2, 3, 4), [4, 3]), ((1, 2, 2, 2), [2, 2, 2]),
             ((4, 9), [1, 3, 3]), ((2, 16), [1, 4, -1, 2])]
    numbers = Numbers(31)
    for i, (shape, target) in enumerate(table):
        yield case(f"Case{i}", {"shape": target}, numbers, lambda x: x.reshape(x.shape[0], *target),
                   {"x": numbers.tensor(*shape)})


def flatten():
    shapes = [(2, 3), (1, 7), (2, 3, 4), (3, 1, 5), (2, 3, 2, 2), (1, 4, 3, 3), (5, 2, 1, 1), (1, 1, 1, 9),
              (2, 2, 3, 2, 2), (7, 2, 2), (1, 1)]
    numbers = Numbers(32)
    for i, shape in enumerate(shapes):
        yield case(f"Case{i}", {}, numbers, lambda x: x.flatten(1), {"x": numbers.tensor(*shape)})


def linear():
    #        name           x             O   bias
    table = [("Vectors",    (4, 6),       3,  True), ("Images",     (2, 2, 3, 4), 5,  True),
             ("OneSample",  (1, 10),      7,  True), ("OneOutput",  (3, 8),       1,  True),
             ("OneInput",   (5, 1),       4,  True), ("NoBias",     (3, 7),       4,  False),
             ("Sequence",   (2, 3, 5),    2,  True), ("Scalar",     (1, 1),       1,  True),
             ("Perceptron", (6, 2),       1,  True), ("Wide",       (2, 33),      17, False),
             ("Batch",      (17, 3),      2,  True)]
    numbers = Numbers(33)
    for name, shape, O, has_bias in table:
        tensors = {"x": numbers.tensor(*shape), "weight": numbers.tensor(O, count(shape[1:]))}
        if has_bias:
            tensors["bias"] = numbers.tensor(O)
        yield case(name, {"out_features": O, "bias": has_bias}, numbers,
                   lambda x, weight, bias=None: F.linear(x.flatten(1), weight, bias), tensors)


def lrn():
    #        name               x             size alpha  beta  k  region    divided
    table = [("Torch",          (2, 7, 2, 3), 5, 0.625,   0.75, 1, "across", True),
             ("Paper",          (1, 9, 2, 2), 5, 1e-4,    0.75, 2, "across", False),
             ("CaffeDefault",   (1, 6, 3, 2), 5, 1,       0.75, 1, "across", True),
             ("EvenSize",       (2, 6, 2, 2), 4, 0.5,     0.5,  1, "across", True),
             ("SizeOne",        (2, 3, 2, 2), 1, 0.25,    0.75, 1, "across", True),
             ("WiderThanChannels", (1, 3, 2, 3), 9, 0.5,  1,    2, "across", False),
             ("OneChannel",     (2, 1, 3, 3), 3, 0.375,   0.5,  1, "across", True),
             ("Within",         (1, 2, 5, 4), 3, 1.125,   0.75, 1, "within", True),
             ("WithinEven",     (1, 2, 4, 5), 2, 0.5,     0.5,  1, "within", True),
             ("WithinPaper",    (2, 1, 6, 5), 5, 0.0625,  0.75, 2, "within", False),
             ("WithinWide",     (1, 1, 2, 3), 7, 0.25,    1,    1, "within", False),
             ("Strong",         (1, 5, 2, 2), 3, 12,      2,    0.5, "across", True)]
    numbers = Numbers(34)
    for name, shape, size, alpha, beta, k, region, divided in table:
        elements = size if region == "across" else size * size
        a = f32(alpha / elements if divided else alpha)

        def function(x):
            if region == "across":
                return F.local_response_norm(x, size, a * size, f32(beta), f32(k))
            before, after = (size - 1) // 2, size // 2
            squares = F.avg_pool2d(F.pad(x * x, (before, after, before, after)), size, 1, divisor_override=1)
            return x * (f32(k) + a * squares) ** -f32(beta)

        params = {"size": size, "alpha": alpha, "beta": beta, "k": k, "region": region, "divide_by_size": divided}
        yield case(name, params, numbers, function, {"x": numbers.tensor(*shape)})


def batch_norm():
    #        name            x             momentum epsilon phase   frozen
    table = [("Images",      (3, 4, 2, 3), 0.125,   2.0**-10, "training", False),
             ("Vectors",     (6, 3),       0.25,    2.0**-10, "training", False),
             ("Sequences",   (2, 3, 5),     0.5,    1e-5,     "training", False),
             ("Defaults",    (4, 2, 3, 3), 0.1,     1e-5,     "training", False),
             ("OneChannel",  (2, 1, 4, 4), 1,       2.0**-10, "training", False),
             ("TwoValues",   (2, 3),       0.125,   2.0**-4,  "training", False),
             ("MomentumZero", (3, 2, 2, 2), 0,      2.0**-10, "training", False),
             ("Inference",   (2, 4, 2, 3), 0.125,   2.0**-10, "inference", False),
             ("InferenceVectors", (5, 3),  0.125,   1e-5,     "inference", False),
             ("InferenceOne", (1, 2, 1, 1), 0.125,  2.0**-10, "inference", False),
             ("Frozen",      (3, 4, 2, 2), 0.125,   2.0**-10, "training", True),
             ("FrozenVectors", (4, 3),     0.125,   1e-5,     "training", True),
             ("FrozenOneSample", (1, 2, 3, 3), 0.125, 2.0**-10, "training", True)]
    numbers = Numbers(35)
    for name, shape, momentum, epsilon, phase, frozen in table:
        statistics_of_batch = phase == "training" and not frozen

        def function(x, weight, bias, running_mean, running_var):
            mean, var = running_mean.clone(), running_var.clone()
            y = F.batch_norm(x, mean, var, weight, bias, statistics_of_batch, f32(momentum), f32(epsilon))
            return y, ({"running_mean": mean, "running_var": var} if phase == "training" else {})

        tensors = {"x": numbers.tensor(*shape, parts=16), "weight": numbers.tensor(shape[1]),
                   "bias": numbers.tensor(shape[1]), "running_mean": numbers.tensor(shape[1]),
                   "running_var": numbers.tensor(shape[1], low=0.5)}
        yield case(name, {"momentum": momentum, "epsilon": epsilon, "frozen": frozen}, numbers, function, tensors,
                   state=("running_mean", "running_var"), phase=phase)


def philox(key, counter):
    """Philox4x32-10 of Salmon et al. (SC'11): four words of 32 bits."""
    c, k = [counter >> 32 * i & 0xFFFFFFFF for i in range(4)], [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c


# The generator's published answers, from the authors' own test vectors.
assert philox(0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox(2**64 - 1, 2**128 - 1) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def dropout():
    """The mask is not PyTorch's: core/ops/random_key.h says which numbers a key draws, worked out here once more."""
    #        name            shape          rate   seed, step, layer                  phase
    table = [("RateZero",    (3, 7),        0,     (1, 0, 1),                         "training"),
             ("Half",        (4, 8),        0.5,   (0, 0, 0),                         "training"),
             ("Seed64",      (31,),         0.5,   (0xFEDCBA9876543210, 0, 0),        "training"),
             ("Step",        (33,),         0.5,   (7, 123456789, 0),                 "training"),
             ("Layer",       (2, 3, 4, 5),  0.5,   (7, 0, 65535),                     "training"),
             ("Everything",  (5, 9),        0.5,   (0x123456789ABCDEF, 4294967295, 77), "training"),
             ("Quarter",     (2, 2, 5),     0.25,  (11, 3, 2),                        "training"),
             ("ThreeQuarters", (64,),       0.75,  (12, 3, 2),                        "training"),
             ("AlexNet",     (1, 40),       0.4,   (13, 1, 9),                        "training"),
             ("One",         (1,),          0.125, (14, 1, 9),                        "training"),
             ("Inference",   (3, 5),        0.5,   (15, 1, 9),                        "inference")]
    numbers = Numbers(36)
    for name, shape, rate, (seed, step, layer), phase in table:
        def function(x):
            if phase == "inference":
                return x * 1
            high = 6 << 48 | layer << 32 | step
            words = [philox(seed, high << 64 | i // 4)[i % 4] for i in range(x.numel())]
            kept = torch.tensor([(word >> 8) / 2**24 >= f32(rate) for word in words], dtype=torch.float64)
            return x * (kept.reshape(x.shape) * f32(1 / (1 - rate)))

        yield case(name, {"rate": rate}, numbers, function, {"x": numbers.tensor(*shape)}, phase=phase,
                   random={"seed": seed, "step": step, "layer": layer})


TYPES = [relu, tanh, sigmoid, gelu, silu, leaky_relu, elu, prelu, add, multiply, concat, reshape, flatten, linear, lrn,
         batch_norm, dropout]
