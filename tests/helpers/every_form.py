"""Models that between them have every kernel: each encoding, heads of other sizes, Gemma 3."""

from gemtab.contracts.manifest import Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.quantization import WEIGHT_ENCODINGS
from gemtab_build.golden import packed
from gemtab_build.weights.quantize import choose_encoding
from helpers.tiny_model import GEMMA3, tiny_config

E2B_HEADS = {"head_dim": 256, "global_head_dim": 512}


def every_form():
    """(config, tensors) of each."""
    small = tiny_config()
    yield small, packed(small)
    for wanted in WEIGHT_ENCODINGS:
        yield small, encoded(small, wanted)
    for changes in (E2B_HEADS, {**GEMMA3, "head_dim": 256}):  # other heads, the same matrices
        config = tiny_config(**changes)
        yield config, encoded(config, "q4")


def encoded(config, wanted):
    """The config's tensors in an encoding, where it fits their shapes."""
    return {
        name: Tensor(shape, choose_encoding(shape, wanted), ())
        for name, shape in tensor_shapes(config).items()
    }
