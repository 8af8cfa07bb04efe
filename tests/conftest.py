"""What every test may ask for."""

import os

# read when numpy loads: products are small here, and threads that wait for a busy core cost 10 ms each
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest


@pytest.fixture
def rng():
    """The same random numbers in every run."""
    return np.random.default_rng(20_26)


def pytest_collection_modifyitems(items):
    """Browser tests last: Playwright keeps an event loop running in this thread once it starts."""
    items.sort(key=lambda item: "tests/browser/" in item.path.as_posix())
