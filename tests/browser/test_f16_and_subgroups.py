"""The engine in a Chromium with shader-f16 and subgroups, as Chrome has them on a GPU: on Mesa's lavapipe."""

import numpy as np
import pytest

from browser.in_thread import in_thread
from gemtab.generate.sampling import GREEDY
from gemtab_build.cli import main
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner
from helpers.engines import relative_l2
from helpers.lavapipe_chromium import MissingError, make

pytestmark = [pytest.mark.browser, pytest.mark.gpu]
REQUEST = {
    "messages": [{"role": "user", "content": "Hello! My name is Anna."}],
    "tools": None,
    "thinking": False,
    "max_tokens": 24,
}


@pytest.fixture(scope="module")
def lavapipe_chromium(tmp_path_factory) -> dict[str, str]:
    """The environment in which it is found; skipped, with the reason, where it cannot be made."""
    try:
        return make(tmp_path_factory.mktemp("chromium"))
    except MissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The demo with the kernels that need features, which so small a model does without."""
    folder = tmp_path_factory.mktemp("features") / "site"
    assert main(["build", "demo", "--kernels", "all", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def runner(site):
    """The page's engine."""
    return BrowserRunner(site, "f16", 32, 512)


@pytest.fixture(scope="module")
def in_browser(lavapipe_chromium, runner):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in lavapipe_chromium.items():
            patch.setenv(name, value)
        calls = in_thread(runner.__enter__)
        call = next(calls)
    yield call
    yield from calls


@pytest.fixture(scope="module")
def natively(site):
    yield from in_thread(lambda: NativeRunner(site, "f16", 32, 512, lambda *_: None))


@pytest.mark.usefixtures("in_browser")
def test_a_trial_proves_both_features(runner):
    assert {*runner.fit["features"]} >= {"shader-f16", "subgroups"}


def test_a_greedy_reply_has_the_native_ids(in_browser, natively):
    reply = in_browser("reply", REQUEST, GREEDY, lambda *_: None)

    assert "Anna" in reply["text"]
    assert reply["ids"] == natively("reply", REQUEST, GREEDY, lambda *_: None)["ids"]


def test_logits_are_the_native_ones(in_browser, natively):
    ids = [2, *np.random.default_rng(5).integers(30, 1500, 80).tolist()]

    found = np.frombuffer(in_browser("logits", ids), "<f4").reshape(len(ids), -1)

    wanted = np.frombuffer(natively("logits", ids), "<f4").reshape(len(ids), -1)
    assert relative_l2(found, wanted).max() <= 5e-4
