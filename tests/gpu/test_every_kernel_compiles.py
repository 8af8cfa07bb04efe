"""Every kernel that a plan may pick, for several models in every encoding, in both compilers."""

import asyncio

import pytest

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.quantization import WEIGHT_ENCODINGS
from gemtab_build.golden import packed
from gemtab_build.site.kernels_file import all_kernels
from gemtab_build.site.shaders import ROOT, render
from gemtab_build.weights.quantize import choose_encoding
from helpers.devices import ADAPTERS, on_devices
from helpers.tiny_model import GEMMA3, tiny_config

E2B_HEADS = {"head_dim": 256, "global_head_dim": 512}


@pytest.fixture(scope="module")
def kernels():
    small = tiny_config()
    found = all_kernels(small, packed(small))
    for wanted in WEIGHT_ENCODINGS:
        found |= all_kernels(small, encoded(small, wanted))
    for changes in (E2B_HEADS, {**GEMMA3, "head_dim": 256}):  # other heads, the same matrices
        config = tiny_config(**changes)
        found |= all_kernels(config, encoded(config, "q4"))
    return found


def encoded(config, wanted):
    return {
        name: Tensor(shape, choose_encoding(shape, wanted), ())
        for name, shape in tensor_shapes(config).items()
    }


@pytest.mark.parametrize(
    "device", [(key, one.features) for key, one in ADAPTERS.items()], ids=ADAPTERS, indirect=True
)
def test_every_kernel_compiles(device, kernels):
    possible = [one for one in kernels.values() if device.facts.features.issuperset(one.features)]
    left = {feature for one in kernels.values() for feature in one.features} - device.facts.features
    assert left <= {"shader-f16"}
    assert {one.template for one in possible} == {path.stem for path in ROOT.glob("*.wgsl")}

    shaders = {
        one.name: {"wgsl": render(one), "entry": one.template, "bindings": one.bindings}
        for one in possible
    }
    asyncio.run(device.compile(shaders))  # an error names the kernel


BROKEN = {"not WGSL": "fn norm( {", "another function": "@compute @workgroup_size(1) fn other() {}"}


@on_devices()
@pytest.mark.parametrize("wgsl", BROKEN.values(), ids=BROKEN)
def test_a_shader_that_does_not_compile_is_named(device, wgsl):
    shader = {"wgsl": wgsl, "entry": "norm", "bindings": ("x", "*y")}

    with pytest.raises(DeviceError, match="The shader broken does not compile here"):
        asyncio.run(device.compile({"broken": shader}))
