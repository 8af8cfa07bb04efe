"""GPU fixtures: wgpu's adapter with each set of features that it offers. No adapter: skipped, but never in CI."""

import functools
import os

import pytest

from gemtab.contracts.errors import DeviceError
from gemtab.gpu.native import NativeDevice

FEATURES = {
    "plain": frozenset(),
    "f16": frozenset({"shader-f16"}),
    "subgroups": frozenset({"subgroups"}),
    "f16 and subgroups": frozenset({"shader-f16", "subgroups"}),
}


def pytest_collection_modifyitems(items):
    for item in items:
        if "/gpu/" in item.path.as_posix():
            item.add_marker("gpu")


@functools.cache
def native_device(features):
    """One device a set of features: its pipelines serve every test. Engines on it are used in turn."""
    try:
        device = NativeDevice(features)
    except DeviceError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    if device.facts.features != features:
        pytest.skip(f"{device.facts.adapter} lacks {features - device.facts.features}")
    return device


@pytest.fixture
def device():
    """The plain device: no optional feature."""
    return native_device(frozenset())


@pytest.fixture(params=FEATURES.values(), ids=FEATURES)
def any_device(request):
    """A device with each set of features in turn."""
    return native_device(request.param)
