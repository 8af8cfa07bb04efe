"""The real engine in Chromium on a model of random weights, whose every token is a surprise."""

import numpy as np
import pytest

from browser.in_thread import in_thread
from gemtab.generate.sampling import choose_sampling
from gemtab.weights.files import FileArtifact
from gemtab_build.cli import main
from gemtab_build.run.browser_runner import BrowserRunner
from helpers.toy_checkpoint import write_checkpoint

pytestmark = [pytest.mark.browser, pytest.mark.gpu]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    write_checkpoint(folder / "hf", np.random.default_rng(5))
    assert main(["build", str(folder / "hf"), "--out", str(folder / "site")]) == 0
    return folder / "site"


@pytest.fixture(scope="module")
def in_browser(site):
    yield from in_thread(lambda: BrowserRunner(site, "f32", 32, 256).__enter__())


def reply(in_browser, said, sampling=None):
    messages = [{"role": "user", "content": said}]
    request = {"messages": messages, "tools": None, "thinking": False, "max_tokens": 12}
    return in_browser("reply", request, sampling, lambda *_: None)


def test_every_new_chat_draws_anew_and_a_seed_repeats_one(in_browser, site):
    """With nothing asked for: the checkpoint's own settings, here a temperature of 1."""
    first, second = (reply(in_browser, "Hi") for _ in range(2))

    defaults = FileArtifact(site).manifest.generation
    assert defaults.temperature == 1.0
    seed = first["usage"]["seed"]
    again = reply(in_browser, "Hi", choose_sampling(defaults, seed=seed))
    assert seed != second["usage"]["seed"]
    assert again["usage"]["seed"] == seed
    assert again["ids"] == first["ids"] != second["ids"]
