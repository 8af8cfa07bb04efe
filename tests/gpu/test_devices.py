"""The devices of the tests themselves: both compilers have what they are there for."""

import pytest

from helpers.devices import open_device
from helpers.lavapipe import lavapipe_driver

F16_AND_SUBGROUPS = frozenset({"shader-f16", "subgroups"})


def test_tint_has_f16_and_subgroups_as_chrome_has_them():
    if lavapipe_driver() is None:
        pytest.skip(
            "no lavapipe of Mesa 25: no test of Tint has shader-f16 (tests/helpers/fetch_lavapipe.py)"
        )

    assert open_device("tint on mesa", F16_AND_SUBGROUPS).facts.features >= F16_AND_SUBGROUPS
