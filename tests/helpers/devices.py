"""The devices that tests run on: each shader compiler on a software adapter, with each set of features.

naga          wgpu on the adapter that Gemtab itself would take: lavapipe where there is no GPU
tint          wgpudawn on the SwiftShader that comes with Chromium, which has no f16
tint on mesa  wgpudawn on a lavapipe that Dawn takes, Mesa 25 or newer: GEMTAB_LAVAPIPE names its
              driver's description, or fetch_lavapipe.py has put it into the cache. It is there for
              f16: what SwiftShader has too runs on that alone

What cannot be had is skipped with the reason, but in CI only where Chromium or that lavapipe is absent.
"""

import functools
import os
from collections.abc import Callable, Iterable
from itertools import chain, combinations
from pathlib import Path
from typing import NamedTuple

import pytest

from gemtab.contracts.errors import DeviceError
from gemtab.gpu.native import FLOOR, Module, NativeDevice
from gemtab.kernels.variant import OPTIONAL
from gemtab_build.run.setup_browser import SLOW_TOGGLE, find_chromium, swiftshader_driver
from helpers.lavapipe import lavapipe_driver


class Adapter(NamedTuple):
    """A compiler's module, the adapter under it by name, the features it can have, its own driver."""

    module: Module
    name: str
    features: frozenset[str]
    driver: Callable[[], Path | None] | None = None


ALL = frozenset(OPTIONAL)
ADAPTERS = {
    "naga": Adapter("wgpu", "", ALL),
    "tint": Adapter("wgpudawn", "SwiftShader", ALL - {"shader-f16"}, swiftshader_driver),
    "tint on mesa": Adapter("wgpudawn", "llvmpipe", ALL, lavapipe_driver),
}


def on_devices(
    *features: str, always: tuple[str, ...] = (), adapters: Iterable[str] = ADAPTERS
) -> pytest.MarkDecorator:
    """Run a test on every adapter with every set of these features, and `always` some: it takes `device`.

    Tint on Mesa has the set of all of them alone, and where f16 is one.
    """
    sets = chain.from_iterable(combinations(features, n) for n in range(len(features) + 1))
    rows = [
        pytest.param((key, frozenset(chosen)), id=" ".join([key, *chosen]))
        for chosen in ((*always, *some) for some in sets)
        for key in adapters
        if ADAPTERS[key].features.issuperset(chosen)
        and (key != "tint on mesa" or _is_for_mesa({*chosen}, {*always, *features}))
    ]
    return pytest.mark.parametrize("device", rows, indirect=True)


def on_floor(adapters: Iterable[str] = ("naga", "tint")) -> pytest.MarkDecorator:
    """Run a test on devices without features, made with the limits that every WebGPU device has."""
    rows = [pytest.param((key, frozenset(), True), id=key) for key in adapters]
    return pytest.mark.parametrize("device", rows, indirect=True)


def _is_for_mesa(chosen: set[str], features: set[str]) -> bool:
    """Whether Tint runs a test on Mesa too; where that is absent, one test tells so, not each."""
    return "shader-f16" in chosen and chosen == features and lavapipe_driver() is not None


@functools.cache
def open_device(key: str, features: frozenset[str], floor: bool = False) -> NativeDevice:
    """One device a set of features: its pipelines serve every test. Engines on it are used in turn.

    `floor` makes it with the limits that every WebGPU device has, and no more: the implementation refuses
    what is beyond them.
    """
    adapter = ADAPTERS[key]
    try:
        with pytest.MonkeyPatch.context() as patch:
            if adapter.driver:
                _show_own_drivers(patch, adapter)
            limits = FLOOR if floor else None
            device = NativeDevice(features, adapter.module, adapter.name, limits=limits)
    except (DeviceError, ImportError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    if device.facts.features != features:
        missing = ", ".join(features - device.facts.features)
        pytest.skip(f"{device.facts.adapter} lacks {missing}")
    return device


def _show_own_drivers(patch: pytest.MonkeyPatch, adapter: Adapter) -> None:
    """Dawn looks for drivers once, at its first device; other modules are not to see these."""
    if adapter.driver() is None:
        if adapter.driver is swiftshader_driver and find_chromium() and os.environ.get("CI"):
            raise DeviceError(f"{find_chromium()} comes without SwiftShader.")
        pytest.skip(f"no Vulkan driver for Tint on {adapter.name}: see tests/helpers/devices.py")
    _set_toggles()
    drivers = [one.driver() for one in ADAPTERS.values() if one.driver]
    for variable in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):  # today's name and the older one
        patch.setenv(variable, os.pathsep.join(str(path) for path in drivers if path))


@functools.cache
def _set_toggles() -> None:
    """As Chromium is started for tests; once, before Dawn's first device."""
    from wgpudawn.backends.dawn import extras  # here: not everyone has it

    extras.set_instance_extras(disable_toggles=[SLOW_TOGGLE])
