"""The real engine in Chromium, on the embedded model: the same numbers and ids as the native executor."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gemtab.generate.sampling import GREEDY
from gemtab_build.browser_runner import BrowserRunner
from gemtab_build.cli import main
from gemtab_build.runner import NativeRunner
from helpers.engines import relative_l2

pytestmark = [pytest.mark.browser, pytest.mark.gpu]
REQUEST = {
    "messages": [{"role": "user", "content": "Who are you?"}],
    "tools": None,
    "thinking": False,
    "max_tokens": 24,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert main(["build", "demo", "--out", str(folder)]) == 0
    return folder


def in_thread(make):
    """A function that calls a runner's methods in one thread of its own: Playwright's loop needs it so."""
    with ThreadPoolExecutor(1) as thread:
        runner = thread.submit(make).result()
        yield lambda verb, *given: thread.submit(getattr(runner, verb), *given).result()
        if hasattr(runner, "__exit__"):
            thread.submit(runner.__exit__, None, None, None).result()


@pytest.fixture(scope="module")
def in_browser(site):
    yield from in_thread(lambda: BrowserRunner(site, "f32", 32, 512).__enter__())


@pytest.fixture(scope="module")
def natively(site):
    yield from in_thread(lambda: NativeRunner(site, "f32", 32, 512, lambda *_: None))


def test_logits_are_the_native_ones(in_browser, natively):
    ids = [2, *np.random.default_rng(5).integers(30, 1500, 80).tolist()]

    found = np.frombuffer(in_browser("logits", ids), "<f4").reshape(len(ids), -1)

    wanted = np.frombuffer(natively("logits", ids), "<f4").reshape(len(ids), -1)
    assert relative_l2(found, wanted).max() <= 5e-4


def test_a_greedy_reply_has_the_native_ids(in_browser, natively):
    said: list[str] = []

    reply = in_browser("reply", REQUEST, GREEDY, lambda _, piece: said.append(piece))

    native = natively("reply", REQUEST, GREEDY, lambda *_: None)
    assert reply["ids"] == native["ids"]
    assert reply["text"] == native["text"]
    assert reply["usage"] == native["usage"]
    assert set(reply) == set(native)
    assert reply["text"].strip() in "".join(said)
