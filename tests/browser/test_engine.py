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


@pytest.fixture(scope="module")
def in_browser(site):
    with BrowserRunner(site, "f32", 32, 512) as runner:
        yield runner


@pytest.fixture(scope="module")
def natively(site):
    """A function that runs the native executor, in a thread: Playwright's loop holds this one."""
    with ThreadPoolExecutor(1) as thread:
        runner = thread.submit(NativeRunner, site, "f32", 32, 512, lambda *_: None).result()
        yield lambda verb, *given: thread.submit(getattr(runner, verb), *given).result()


def test_logits_are_the_native_ones(in_browser, natively):
    ids = [2, *np.random.default_rng(5).integers(30, 1500, 80).tolist()]

    found = np.frombuffer(in_browser.logits(ids), "<f4").reshape(len(ids), -1)

    wanted = np.frombuffer(natively("logits", ids), "<f4").reshape(len(ids), -1)
    assert relative_l2(found, wanted).max() <= 5e-4


def test_a_greedy_reply_has_the_native_ids(in_browser, natively):
    said: list[str] = []

    reply = in_browser.reply(REQUEST, GREEDY, lambda _, piece: said.append(piece))

    native = natively("reply", REQUEST, GREEDY, lambda *_: None)
    assert reply["ids"] == native["ids"]
    assert reply["text"] == native["text"]
    assert reply["usage"] == native["usage"]
    assert set(reply) == set(native)
    assert reply["text"].strip() in "".join(said)
