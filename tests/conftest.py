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


@pytest.fixture(scope="session", autouse=True)
def _own_notes(tmp_path_factory):
    """No test relies on what an earlier run noted of this machine's devices, or adds to it."""
    folder = tmp_path_factory.mktemp("devices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gemtab_build.run.file_notes.notes_folder", lambda: folder)
        yield


def pytest_collection_modifyitems(items):
    """Browser tests last: Playwright keeps an event loop running in this thread once it starts."""
    items.sort(key=lambda item: "tests/browser/" in item.path.as_posix())
