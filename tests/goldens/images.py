# SPDX-License-Identifier: Apache-2.0
"""Golden cases of the layers that slide windows over images and sequences."""
import torch
import torch.nn.functional as F

from golden import Numbers, case


def frame(x, padding, value=0.0):
    """Pads with (top, left, bottom, right)."""
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def with_bias(tensors, numbers, K, has_bias):
    return {**tensors, "bias": numbers.tensor(K)} if has_bias else tensors


def conv2d():
    #        name                  x [N,C,H,W]     K  kernel  stride  padding t,l,b,r   dilation groups bias
    table = [("Plain",             (2, 3, 6, 6),   2, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
             ("OneByOneKernel",    (2, 3, 4, 5),   4, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
             ("SamePadding",       (1, 2, 5, 6),   3, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1, True),
             ("StridesDiffer",     (2, 2, 8, 9),   2, (3, 2), (2, 3), (0, 0, 0, 0), (1, 1), 1, False),
             ("StrideAboveKernel", (1, 2, 9, 8),   2, (2, 2), (3, 4), (1, 0, 1, 0), (1, 1), 1, True),
             ("DilationsDiffer",   (1, 2, 8, 9),   2, (3, 3), (1, 1), (2, 3, 2, 3), (2, 3), 1, True),
             ("StrideAndDilation", (2, 2, 9, 9),   2, (3, 2), (2, 2), (1, 2, 1, 2), (2, 3), 1, False),
             ("Groups",            (2, 4, 5, 5),   6, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2, True),
             ("Depthwise",         (2, 3, 6, 5),   3, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), 3, True),
             ("PaddingsDiffer",    (1, 2, 4, 5),   2, (3, 3), (2, 1), (0, 1, 2, 3), (1, 1), 1, True),
             ("KernelIsTheImage",  (3, 2, 4, 3),   5, (4, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
             ("OneRow",            (2, 3, 1, 12),  2, (1, 4), (1, 2), (0, 1, 0, 1), (1, 1), 1, True)]
    numbers = Numbers(1)
    for name, shape, K, kernel, stride, padding, dilation, groups, has_bias in table:
        def function(x, weight, bias=None):
            return F.conv2d(frame(x, padding), weight, bias, stride, 0, dilation, groups)

        params = {"out_channels": K, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
                  "groups": groups, "bias": has_bias}
        tensors = {"x": numbers.tensor(*shape), "weight": numbers.tensor(K, shape[1] // groups, *kernel)}
        yield case(name, params, numbers, function, with_bias(tensors, numbers, K, has_bias))


def conv1d():
    #        name               x [N,C,L]    K  kernel stride padding dilation groups bias
    table = [("Plain",          (2, 3, 9),   4, 3, 1, (0, 0), 1, 1, True),
             ("OnePosition",    (3, 2, 5),   3, 5, 1, (0, 0), 1, 1, True),
             ("Pointwise",      (2, 4, 7),   3, 1, 1, (0, 0), 1, 1, True),
             ("SamePadding",    (2, 2, 8),   3, 5, 1, (2, 2), 1, 1, True),
             ("Causal",         (2, 2, 10),  3, 3, 1, (4, 0), 2, 1, True),
             ("Stride2",        (2, 3, 11),  2, 3, 2, (1, 1), 1, 1, True),
             ("StrideAboveKernel", (1, 2, 13), 2, 2, 4, (0, 1), 1, 1, False),
             ("Dilation3",      (2, 2, 12),  3, 3, 1, (3, 3), 3, 1, True),
             ("Groups",         (2, 6, 8),   4, 3, 1, (1, 1), 1, 2, True),
             ("Depthwise",      (1, 5, 9),   10, 4, 2, (1, 2), 1, 5, False),
             ("OneSample",      (1, 1, 20),  1, 7, 3, (3, 3), 1, 1, True)]
    numbers = Numbers(2)
    for name, shape, K, kernel, stride, padding, dilation, groups, has_bias in table:
        def function(x, weight, bias=None):
            return F.conv1d(F.pad(x, padding), weight, bias, stride, 0, dilation, groups)

        params = {"out_channels": K, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
                  "groups": groups, "bias": has_bias}
        tensors = {"x": numbers.tensor(*shape), "weight": numbers.tensor(K, shape[1] // groups, kernel)}
        yield case(name, params, numbers, function, with_bias(tensors, numbers, K, has_bias))


def conv_transpose2d():
    #        name                x             K  kernel  stride  padding t,l,b,r  output  dilation groups bias
    table = [("Plain",           (2, 3, 4, 4), 2, (3, 3), (1, 1), (0, 0, 0, 0), (0, 0), (1, 1), 1, True),
             ("OneByOneKernel",  (2, 3, 3, 4), 4, (1, 1), (1, 1), (0, 0, 0, 0), (0, 0), (1, 1), 1, True),
             ("Doubling",        (1, 2, 4, 5), 2, (2, 2), (2, 2), (0, 0, 0, 0), (0, 0), (1, 1), 1, True),
             ("UNetUp",          (2, 3, 3, 3), 2, (4, 4), (2, 2), (1, 1, 1, 1), (0, 0), (1, 1), 1, False),
             ("OutputPadding",   (1, 2, 4, 3), 3, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), (1, 1), 1, True),
             ("OutputPaddingsDiffer", (2, 2, 3, 3), 2, (3, 2), (3, 2), (1, 0, 1, 0), (2, 1), (1, 1), 1, True),
             ("StridesDiffer",   (1, 2, 3, 4), 2, (2, 3), (1, 3), (0, 0, 0, 0), (0, 0), (1, 1), 1, True),
             ("StrideAboveKernel", (1, 2, 3, 3), 2, (2, 2), (3, 4), (0, 0, 0, 0), (0, 0), (1, 1), 1, True),
             ("DilationsDiffer", (1, 2, 4, 4), 2, (3, 2), (1, 2), (2, 1, 2, 1), (0, 1), (2, 3), 1, True),
             ("Groups",          (2, 4, 3, 3), 6, (3, 3), (2, 2), (1, 1, 1, 1), (0, 0), (1, 1), 2, True),
             ("Depthwise",       (1, 3, 3, 4), 3, (2, 3), (2, 1), (0, 1, 0, 1), (0, 0), (1, 1), 3, False),
             ("PaddingsDiffer",  (1, 2, 4, 4), 3, (3, 4), (2, 2), (0, 1, 2, 3), (1, 0), (1, 1), 1, True)]
    numbers = Numbers(3)
    for name, shape, K, kernel, stride, padding, output, dilation, groups, has_bias in table:
        def function(x, weight, bias=None):
            top, left, bottom, right = padding
            if (top, left) == (bottom, right):
                return F.conv_transpose2d(x, weight, bias, stride, (top, left), output, groups, dilation)
            y = F.conv_transpose2d(x, weight, bias, stride, 0, output, groups, dilation)
            return y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]

        params = {"out_channels": K, "kernel": kernel, "stride": stride, "padding": padding, "output_padding": output,
                  "dilation": dilation, "groups": groups, "bias": has_bias}
        tensors = {"x": numbers.tensor(*shape), "weight": numbers.tensor(shape[1], K // groups, *kernel)}
        yield case(name, params, numbers, function, with_bias(tensors, numbers, K, has_bias))


#          name                  x             kernel  stride  padding t,l,b,r   ceil
POOLS = [("Quarters",            (2, 3, 4, 6), (2, 2), (2, 2), (0, 0, 0, 0), False),
         ("Overlapping",         (1, 2, 7, 7), (3, 3), (2, 2), (0, 0, 0, 0), False),
         ("AllOverlap",          (2, 2, 5, 5), (3, 3), (1, 1), (1, 1, 1, 1), False),
         ("OddInputFloor",       (1, 2, 7, 5), (2, 2), (2, 2), (0, 0, 0, 0), False),
         ("OddInputCeil",        (1, 2, 7, 5), (2, 2), (2, 2), (0, 0, 0, 0), True),
         ("CeilAndPadding",      (2, 1, 7, 8), (3, 3), (2, 2), (1, 1, 1, 1), True),
         ("CeilDropsAWindow",    (1, 2, 5, 7), (2, 2), (4, 3), (1, 1, 1, 1), True),
         ("StridesDiffer",       (1, 2, 9, 8), (3, 2), (2, 3), (1, 0, 1, 0), False),
         ("StrideAboveKernel",   (1, 2, 9, 9), (2, 2), (4, 3), (1, 1, 1, 1), True),
         ("PaddingsDiffer",      (1, 2, 6, 5), (4, 4), (2, 1), (0, 1, 2, 1), False),
         ("WindowIsTheImage",    (3, 2, 4, 5), (4, 5), (1, 1), (0, 0, 0, 0), False)]


def pool(x, padding, fill, function):
    """function(x, padding h, w): PyTorch pads both sides alike."""
    top, left, bottom, right = padding
    return function(x, (top, left)) if (top, left) == (bottom, right) else function(frame(x, padding, fill), 0)


def extreme_pool2d(seed, sign):
    numbers = Numbers(seed)
    for ties in (False, True):
        for name, shape, kernel, stride, padding, ceil in POOLS if not ties else POOLS[1:3]:
            def function(x):
                return sign * pool(sign * x, padding, -float("inf"),
                                   lambda x, p: F.max_pool2d(x, kernel, stride, p, ceil_mode=ceil))

            x = numbers.tensor(*shape, low=-1, high=1, parts=1) if ties else numbers.distinct(*shape)
            yield case(name + ("Ties" if ties else ""), {"kernel": kernel, "stride": stride, "padding": padding,
                                                         "ceil_mode": ceil}, numbers, function, {"x": x})


def max_pool2d():
    yield from extreme_pool2d(4, 1)


def min_pool2d():
    yield from extreme_pool2d(5, -1)


def avg_pool2d():
    numbers = Numbers(6)
    for name, shape, kernel, stride, padding, ceil in POOLS:
        for include in (True, False) if any(padding) else (True,):
            def function(x):
                def average(x, p):
                    return F.avg_pool2d(x, kernel, stride, p, ceil, True)

                if padding[:2] == padding[2:]:
                    return F.avg_pool2d(x, kernel, stride, padding[:2], ceil, include)
                share = 1 if include else average(frame(torch.ones_like(x), padding), 0)
                return average(frame(x, padding), 0) / share

            yield case(name + ("" if include else "PaddingLeftOut"),
                       {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil,
                        "count_include_pad": include}, numbers, function, {"x": numbers.tensor(*shape)})


def sum_pool2d():
    numbers = Numbers(7)
    for name, shape, kernel, stride, padding, ceil in POOLS:
        def function(x):
            return pool(x, padding, 0, lambda x, p: F.avg_pool2d(x, kernel, stride, p, ceil, divisor_override=1))

        yield case(name, {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}, numbers, function,
                   {"x": numbers.tensor(*shape)})


#            name                 x [N,C,L]   kernel stride padding ceil
POOLS_1D = [("Halves",            (2, 3, 8),  2, 2, (0, 0), False),
            ("Overlapping",       (2, 2, 9),  3, 2, (0, 0), False),
            ("AllOverlap",        (1, 2, 7),  3, 1, (1, 1), False),
            ("OddInputFloor",     (2, 2, 7),  2, 2, (0, 0), False),
            ("OddInputCeil",      (2, 2, 7),  2, 2, (0, 0), True),
            ("CeilAndPadding",    (1, 3, 8),  3, 2, (1, 1), True),
            ("CeilDropsAWindow",  (1, 2, 7),  2, 3, (1, 1), True),
            ("StrideAboveKernel", (2, 1, 11), 2, 4, (0, 0), False),
            ("PaddingsDiffer",    (1, 2, 9),  4, 2, (0, 2), False),
            ("WindowIsTheSequence", (3, 2, 6), 6, 1, (0, 0), False),
            ("KernelOne",         (2, 2, 5),  1, 1, (0, 0), False)]


def max_pool1d():
    numbers = Numbers(8)
    for name, shape, kernel, stride, padding, ceil in POOLS_1D:
        def function(x):
            if padding[0] == padding[1]:
                return F.max_pool1d(x, kernel, stride, padding[0], ceil_mode=ceil)
            return F.max_pool1d(F.pad(x, padding, value=-float("inf")), kernel, stride)

        yield case(name, {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}, numbers, function,
                   {"x": numbers.distinct(*shape)})


def avg_pool1d():
    numbers = Numbers(9)
    for name, shape, kernel, stride, padding, ceil in POOLS_1D:
        for include in (True, False) if padding in ((1, 1),) else (True,):
            def function(x):
                if padding[0] == padding[1]:
                    return F.avg_pool1d(x, kernel, stride, padding[0], ceil, include)
                return F.avg_pool1d(F.pad(x, padding), kernel, stride)

            yield case(name + ("" if include else "PaddingLeftOut"),
                       {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil,
                        "count_include_pad": include}, numbers, function, {"x": numbers.tensor(*shape)})


#            name                  x             output
ADAPTIVE = [("Identity",           (1, 2, 3, 4), (3, 4)),
            ("Global",             (2, 3, 4, 5), (1, 1)),
            ("Halves",             (2, 2, 4, 6), (2, 3)),
            ("Uneven",             (1, 2, 7, 5), (3, 2)),
            ("WindowsOverlap",     (1, 2, 5, 7), (3, 4)),
            ("LargerThanTheInput", (1, 2, 3, 2), (5, 4)),
            ("OneRow",             (2, 2, 1, 9), (1, 4)),
            ("OneColumn",          (2, 2, 8, 1), (3, 1)),
            ("RowsOnly",           (1, 3, 6, 5), (2, 5)),
            ("ToOneRow",           (2, 1, 6, 7), (1, 7)),
            ("OnePixel",           (2, 3, 1, 1), (1, 1)),
            ("AlexNet",            (1, 2, 13, 13), (6, 6))]


def adaptive_avg_pool2d():
    numbers = Numbers(10)
    for name, shape, size in ADAPTIVE:
        yield case(name, {"output_size": size}, numbers, lambda x: F.adaptive_avg_pool2d(x, size),
                   {"x": numbers.tensor(*shape)})


def adaptive_max_pool2d():
    numbers = Numbers(11)
    for name, shape, size in ADAPTIVE:
        yield case(name, {"output_size": size}, numbers, lambda x: F.adaptive_max_pool2d(x, size),
                   {"x": numbers.distinct(*shape)})
    x = numbers.tensor(2, 2, 6, 6, low=-1, high=1, parts=1)
    yield case("Ties", {"output_size": (3, 2)}, numbers, lambda x: F.adaptive_max_pool2d(x, (3, 2)), {"x": x})


IMAGES = [("OnePixel", (2, 3, 1, 1)), ("OneRow", (1, 2, 1, 7)), ("OneColumn", (1, 2, 6, 1)), ("Square", (2, 3, 4, 4)),
          ("Odd", (1, 2, 5, 3)), ("OneChannel", (3, 1, 4, 5)), ("ManyChannels", (1, 33, 2, 2)), ("Batch", (7, 2, 2, 3)),
          ("ResNet", (1, 4, 7, 7)), ("Wide", (1, 1, 2, 31)), ("Tall", (2, 1, 17, 2))]


def global_avg_pool2d():
    numbers = Numbers(12)
    for name, shape in IMAGES:
        yield case(name, {}, numbers, lambda x: F.adaptive_avg_pool2d(x, 1), {"x": numbers.tensor(*shape)})


def global_max_pool2d():
    numbers = Numbers(13)
    for name, shape in IMAGES:
        yield case(name, {}, numbers, lambda x: F.adaptive_max_pool2d(x, 1), {"x": numbers.distinct(*shape)})


def nearest(size, extent):
    return [min(p * extent // size, extent - 1) for p in range(size)]


def upsample2d():
    #        name                 x             scale or None, size or None
    table = [("Double",           (1, 2, 3, 4), (2, 2), None),
             ("ScalesDiffer",     (2, 1, 3, 2), (2, 3), None),
             ("OnePixel",         (2, 2, 1, 1), (3, 2), None),
             ("SizeUneven",       (1, 2, 4, 3), None, (7, 5)),
             ("Shrink",           (1, 2, 6, 5), None, (3, 2)),
             ("Identity",         (1, 2, 3, 4), (1, 1), None),
             ("ToOnePixel",       (1, 2, 5, 4), None, (1, 1))]
    numbers = Numbers(14)
    for mode, corners in (("nearest", False), ("bilinear", False), ("bilinear", True)):
        for name, shape, scale, size in table:
            target = size or (shape[2] * scale[0], shape[3] * scale[1])

            def function(x):
                if mode == "bilinear":
                    return F.interpolate(x, size=target, mode=mode, align_corners=corners)
                y = F.interpolate(x, size=target, mode=mode)
                # PyTorch finds the pixel in floating point; here the whole numbers must agree.
                rows, columns = nearest(target[0], shape[2]), nearest(target[1], shape[3])
                assert torch.equal(y, x[:, :, rows][:, :, :, columns]), (name, shape, target)
                return y

            params = {"mode": mode, "align_corners": corners, **({"scale": scale} if scale else {"size": size})}
            yield case(name + {"nearest": "Nearest", "bilinear": "Bilinear"}[mode] + ("Corners" if corners else ""),
                       params, numbers, function, {"x": numbers.tensor(*shape)})


#         name               x             t,l,b,r       front, back
FRAMES = [("One",            (1, 2, 3, 4), (1, 1, 1, 1), (0, 0)),
          ("None",           (2, 2, 3, 3), (0, 0, 0, 0), (0, 0)),
          ("TopOnly",        (1, 2, 4, 3), (2, 0, 0, 0), (0, 0)),
          ("RightOnly",      (1, 2, 3, 5), (0, 0, 0, 2), (0, 0)),
          ("AllDiffer",      (2, 2, 7, 8), (0, 1, 2, 3), (0, 0)),
          ("ChannelsFront",  (1, 3, 3, 3), (0, 0, 0, 0), (1, 0)),
          ("ChannelsBack",   (2, 3, 2, 3), (0, 0, 0, 0), (0, 2)),
          ("ShortCut",       (1, 4, 4, 4), (0, 0, 0, 0), (1, 2)),
          ("Everything",     (2, 5, 6, 6), (1, 2, 3, 1), (2, 1)),
          ("Large",          (1, 1, 9, 9), (4, 3, 4, 5), (0, 0))]


def pad():
    numbers = Numbers(15)
    for i, (name, shape, (top, left, bottom, right), channels) in enumerate(FRAMES):
        value = (0, 0, 1.5, -0.25)[i % 4]
        yield case(name, {"padding": (top, left, bottom, right), "channels": channels, "value": value}, numbers,
                   lambda x: F.pad(x, (left, right, top, bottom, *channels), value=value),
                   {"x": numbers.tensor(*shape)})


def crop():
    numbers = Numbers(16)
    for name, shape, (top, left, bottom, right), (front, back) in FRAMES:
        def function(x):
            N, C, H, W = x.shape
            return x[:, front:C - back, top:H - bottom, left:W - right]

        yield case(name, {"cut": (top, left, bottom, right), "channels": (front, back)}, numbers, function,
                   {"x": numbers.tensor(*shape)})


TYPES = [conv2d, conv1d, conv_transpose2d, max_pool2d, min_pool2d, avg_pool2d, sum_pool2d, max_pool1d, avg_pool1d,
         adaptive_avg_pool2d, adaptive_max_pool2d, global_avg_pool2d, global_max_pool2d, upsample2d, pad, crop]
