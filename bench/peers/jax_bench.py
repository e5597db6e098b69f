#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times one net in JAX by the rules and the protocol of pytorch_bench.py.

    jax_bench.py lenet5 64 train jax [--device cuda --precision bf16 --serve]

A whole training step is one jitted function that is given its weights to overwrite. JAX has no events: on cuda, too,
the host's clock is read when the last step is done. Its peak of memory cannot be forgotten, and holds the warm-up.
"""
import functools
import json
import math
import sys
import time

try:
    import jax
except ImportError:
    if __name__ != "__main__":
        raise
    print(json.dumps({"error": "jax is not installed"}), flush=True)
    sys.exit(1)
import numpy
from jax import numpy as jnp

import jax_nets as nets
import measuring

MOMENTUM = 0.9


def loss_of(net, classes, dtype, values, kept, images, labels, key):
    trace = nets.Trace(values, kept, True, key, dtype)
    scores = nets.NETS[net].forward(trace, images, classes).astype(jnp.float32)
    loss = -jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1).mean()
    return loss, trace.kept


def train_step(net, classes, dtype, rate, weights, images, labels, step):
    values, momenta, kept = weights
    key = jax.random.fold_in(jax.random.key(1), step)
    (loss, kept), gradients = jax.value_and_grad(
        lambda v: loss_of(net, classes, dtype, v, kept, images, labels, key), has_aux=True)(values)
    momenta = jax.tree.map(lambda m, g: MOMENTUM * m + g, momenta, gradients)
    values = jax.tree.map(lambda v, m: v - rate * m, values, momenta)
    return (values, momenta, kept), loss


def infer_step(net, classes, dtype, weights, images):
    return nets.NETS[net].forward(nets.Trace(weights[0], weights[2], False, None, dtype), images, classes)


class Workload:
    def __init__(self, net, classes, values, kept, images, labels, mode, device, precision, rate):
        self.device = device_named(device, precision)
        dtype = jnp.bfloat16 if precision == "bf16" else jnp.float32
        put = lambda tree: jax.tree.map(lambda a: jax.device_put(a, self.device), tree)
        self.weights = put((values, jax.tree.map(numpy.zeros_like, values), kept))
        # As the net reads them: converting them is no part of a step.
        self.images, self.labels = put((numpy.asarray(images, dtype), labels))
        self.count, self.mode = 0, mode
        self.train_step = jax.jit(functools.partial(train_step, net, classes, dtype, rate), donate_argnums=0)
        self.infer_step = jax.jit(functools.partial(infer_step, net, classes, dtype))

    def step(self):
        if self.mode == "infer":
            return self.infer_step(self.weights, self.images)
        self.weights, loss = self.train_step(self.weights, self.images, self.labels, self.count)
        self.count += 1
        return loss

    def seconds_of(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            last = self.step()
        jax.block_until_ready((last, self.weights))
        return time.perf_counter() - start

    def peak_bytes(self):
        if self.device.platform == "cpu":
            return measuring.resident_bytes("VmHWM")
        return (self.device.memory_stats() or {}).get("peak_bytes_in_use")


def device_named(device, precision):
    if precision == "tf32" and device == "cpu":
        raise measuring.Unavailable("tf32: a processor has none")
    # Without this a GPU would take TF32 for float32.
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32" else "float32")
    try:
        return jax.devices("gpu" if device == "cuda" else "cpu")[0]
    except RuntimeError as error:
        raise measuring.Unavailable(f"this JAX finds no GPU: {error}".splitlines()[0]) from error


def warm_workload(arguments):
    imported = measuring.resident_bytes("VmRSS") if arguments.device == "cpu" else 0
    definition, random = nets.NETS[arguments.net], numpy.random.default_rng(1)
    trace = nets.shapes_of(arguments.net)
    C, H, W = definition.sample_shape

    def initial(name, shape):
        if len(shape) == 1:
            return numpy.full(shape, 1 if name.endswith("weight") else 0, numpy.float32)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        return random.uniform(-bound, bound, shape).astype(numpy.float32)

    values = {name: initial(name, shape) for name, shape in trace.shapes.items()}
    kept = {name: numpy.full(shape, 1 if name.endswith("var") else 0, numpy.float32)
            for name, shape in trace.kept_shapes.items()}
    images = random.standard_normal((arguments.batch, H, W, C), numpy.float32)
    labels = random.integers(definition.classes, size=arguments.batch, dtype=numpy.int32)
    workload = Workload(arguments.net, definition.classes, values, kept, images, labels, arguments.mode,
                        arguments.device, arguments.precision, measuring.LEARNING_RATE)
    for _ in range(5):
        workload.seconds_of(1)
    workload.facts = {"jax": jax.__version__, "python": sys.version.split()[0], "imported_bytes": imported,
                      "clock": "host", "warm_up_peak_bytes": workload.peak_bytes()}
    measuring.forget_resident_peak()
    return workload


def losses(problem, steps, _variant, device, precision):
    """Of steps from the weights of an exchange.Problem."""
    trace = nets.Trace()
    C, H, W = problem.sample_shape
    jax.eval_shape(lambda x: nets.NETS[problem.name].forward(trace, x, 10),
                   jax.ShapeDtypeStruct((1, H, W, C), jnp.float32))

    def values(shapes):
        found = {}
        for name, shape in shapes.items():
            given, content = problem.tensors[name]
            assert list(shape) == list(given), f"{name}: {shape}, {given} expected"
            found[name] = numpy.frombuffer(content, numpy.float32).reshape(shape).copy()
        return found

    images = numpy.frombuffer(problem.images, numpy.uint8).reshape(-1, C, H, W).transpose(0, 2, 3, 1)
    images = (images.astype(numpy.float32) / 255 - numpy.array(problem.mean, numpy.float32)) / numpy.array(
        problem.deviation, numpy.float32)
    workload = Workload(problem.name, 10, values(trace.shapes), values(trace.kept_shapes), images,
                        numpy.array(problem.labels, numpy.int32), "train", device, precision, problem.learning_rate)
    return [float(workload.step()) for _ in range(steps)]


def layers(name):
    """[name, output shape, parameters] of every layer that has parameters, in the order of execution."""
    return nets.shapes_of(name).layers


if __name__ == "__main__":
    sys.exit(measuring.serve(measuring.parse_arguments(__doc__.split("\n\n")[0], nets.NETS, "jax"), warm_workload))
