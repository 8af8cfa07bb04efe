"""Every kernel that a plan may pick, for several models in every encoding, in both compilers."""

import asyncio

import pytest

from gemtab.contracts.errors import DeviceError
from gemtab_build.site.kernels_file import all_kernels
from gemtab_build.site.shaders import ROOT, render
from helpers.devices import ADAPTERS, on_devices
from helpers.every_form import every_form


@pytest.fixture(scope="module")
def kernels():
    return {
        name: kernel
        for config, tensors in every_form()
        for name, kernel in all_kernels(config, tensors).items()
    }


@pytest.mark.parametrize(
    "device",
    [(key, one.features, True) for key, one in ADAPTERS.items()],
    ids=ADAPTERS,
    indirect=True,
)
def test_every_kernel_compiles(device, kernels):
    """With no more than every device has: what takes more of a workgroup's memory is refused by Tint."""
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
