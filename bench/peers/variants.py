# SPDX-License-Identifier: Apache-2.0
"""The ways to run a net that Fovea is compared with. Needs neither PyTorch nor JAX."""
from typing import NamedTuple, Optional


class Variant(NamedTuple):
    says: str  # in the report
    channels_last: bool = False
    compiled: Optional[str] = None  # torch.compile's mode
    graphed: bool = False  # the whole step captured in one CUDA graph by hand
    untouched: bool = False  # no setting at all, whatever precision was asked for
    framework: str = "pytorch"


# Unless untouched, in the precision asked for (bf16 by autocast, TF32 on or off for both products and convolutions),
# with cudnn.benchmark and fused SGD.
VARIANTS = {
    "default": Variant("PyTorch as it is: float32, NCHW, TF32 in convolutions alone, SGD not fused", untouched=True),
    "eager": Variant("fused SGD, cudnn.benchmark"),
    "eager-channels_last": Variant("the same with channels_last: tuned by hand", channels_last=True),
    "compiled": Variant("forward, loss and backward by torch.compile", compiled="default"),
    "compiled-channels_last": Variant("the same with channels_last", channels_last=True, compiled="default"),
    "max-autotune": Variant("channels_last, torch.compile(mode='max-autotune'), which uses CUDA graphs on a GPU",
                            channels_last=True, compiled="max-autotune"),
    "graphed": Variant("eager-channels_last, the whole step in one CUDA graph", channels_last=True, graphed=True),
    "compiled-graphed": Variant("compiled by 'max-autotune-no-cudagraphs', the whole step in one CUDA graph",
                                channels_last=True, compiled="max-autotune-no-cudagraphs", graphed=True),
    "compiled-plain-graphed": Variant("compiled without measuring kernels, the whole step in one CUDA graph",
                                      channels_last=True, compiled="default", graphed=True),
    "jax": Variant("JAX: the whole step in one jit, NHWC", framework="jax"),
}
# The most important first: time may be short.
DEFAULT_VARIANTS = {
    "cpu": ["eager", "eager-channels_last", "compiled", "compiled-channels_last"],
    "cuda": ["max-autotune", "default", "eager-channels_last", "compiled-graphed", "graphed", "jax"]}
PRECISIONS = ["fp32", "tf32", "bf16"]
PARITY_VARIANT = {"cpu": "eager", "cuda": "eager-channels_last"}  # what the losses are compared of
