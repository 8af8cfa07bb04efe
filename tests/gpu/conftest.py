"""GPU tests take `device`: the plain one, or each of those that `on_devices` names (helpers/devices.py)."""

import pytest

from gemtab.kernels.variant import Variant
from helpers.devices import open_device


def pytest_collection_modifyitems(items):
    for item in items:
        if "/gpu/" in item.path.as_posix():
            item.add_marker("gpu")


@pytest.fixture
def device(request):
    """A device with no optional feature under naga, unless the test names others."""
    return open_device(*getattr(request, "param", ("naga", frozenset())))


@pytest.fixture
def variant(device):
    """The kernels' form on the device."""
    return Variant.of(device.facts.features)
