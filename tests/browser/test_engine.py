"""The real engine in each browser, on the embedded model: the same numbers and ids as the native executor."""

import json
import shutil
from functools import partial

import numpy as np
import pytest

from browser.in_thread import in_thread
from gemtab.contracts.errors import UsageError
from gemtab.generate.sampling import GREEDY
from gemtab.text.tokenizer import Tokenizer
from gemtab.weights.files import FileArtifact
from gemtab_build.demo.score import request_of
from gemtab_build.demo.skills import SKILLS, held_out_prompts
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner
from helpers.engines import relative_l2

pytestmark = [pytest.mark.browser, pytest.mark.gpu]
REQUEST = {
    "messages": [{"role": "user", "content": "Who are you?"}],
    "tools": None,
    "thinking": False,
    "max_tokens": 24,
}


@pytest.fixture(scope="module")
def tokenizer(demo_site):
    return Tokenizer.from_bytes(FileArtifact(demo_site).file("tokenizer"))


@pytest.fixture(scope="module")
def in_browser(demo_site, browser_name):
    runner = partial(BrowserRunner, demo_site, "f32", 32, 1024, browser=browser_name)
    yield from in_thread(lambda: runner().__enter__())


@pytest.fixture(scope="module")
def natively(demo_site):
    yield from in_thread(lambda: NativeRunner(demo_site, "f32", 32, 1024, lambda *_: None))


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


def test_rows_of_a_table_off_the_gpu_give_the_native_ids(demo_site, natively, browser_name):
    runner = partial(BrowserRunner, demo_site, "f32", 32, 1024, "disk", browser=browser_name)
    reader = in_thread(lambda: runner().__enter__())

    for in_browser in reader:  # once; the browser ends with the loop
        reply = in_browser("reply", REQUEST, GREEDY, lambda *_: None)

    assert reply["ids"] == natively("reply", REQUEST, GREEDY, lambda *_: None)["ids"]


@pytest.mark.chromium_only("the ids are native ones there: this tells of the model")
def test_a_wrong_request_gets_its_reason(in_browser):
    for ids, max_tokens, told in (
        ([2], -1, "maxTokens is a whole number of tokens, 1 or more, not -1"),
        ([2], "x", 'not "x"'),
        ([2, 99_999], 1, "ids[1] is 99999; this model's ids are 0 to"),
    ):
        with pytest.raises(UsageError) as caught:
            in_browser("continue_ids", ids, max_tokens)
        assert told in str(caught.value)
    wrong = REQUEST | {"max_tokens": -1}
    with pytest.raises(UsageError, match="maxTokens is"):
        in_browser("reply", wrong, GREEDY, lambda *_: None)


@pytest.mark.chromium_only("the door is the same Python in each")
def test_a_model_without_a_chat_template_gives_its_logits(demo_site, natively, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(demo_site, site)
    manifest = json.loads((site / "model/manifest.json").read_text())
    del manifest["files"]["chat_template"]
    (site / "model/manifest.json").write_text(json.dumps(manifest))

    for in_browser in in_thread(lambda: BrowserRunner(site, "f32", 32, 1024).__enter__()):
        found = np.frombuffer(in_browser("logits", [2, 30, 31]), "<f4")
        with pytest.raises(UsageError, match="no chat_template file, which a chat needs"):
            in_browser("reply", REQUEST, GREEDY, lambda *_: None)

    wanted = np.frombuffer(natively("logits", [2, 30, 31]), "<f4")
    assert relative_l2(found[None], wanted[None]).max() <= 5e-4


@pytest.mark.parametrize("skill", SKILLS)
def test_the_embedded_model_has_its_skills(in_browser, tokenizer, skill):
    """Prompts that training never saw; the whole score is `python -m gemtab_build.demo.score`'s."""
    asked = held_out_prompts(skill, 10)

    replies = [in_browser("reply", request_of(one), GREEDY, lambda *_: None) for one in asked]

    right = [
        one.check(tokenizer.decode(reply["ids"])) for one, reply in zip(asked, replies, strict=True)
    ]
    assert sum(right) >= 9, [
        one.messages[-1] for one, good in zip(asked, right, strict=True) if not good
    ]
