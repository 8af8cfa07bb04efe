"""The page's requests: what their fields may be, and what a mistake is told as."""

import json

import pytest

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Generation
from gemtab.generate.requests import ContinueRequest, ReplyRequest, ids_of
from gemtab.generate.sampling import GREEDY

DEFAULTS = Generation(temperature=0.5, top_k=7, top_p=0.9, stop_ids=(1,))
HELLO = [{"role": "user", "content": "Hello"}]


def reply(**fields) -> ReplyRequest:
    return ReplyRequest.of({"messages": HELLO, **fields}, DEFAULTS, 512)


def test_what_is_left_out_is_the_models_own():
    wanted = reply(sampling=None, maxTokens=None, thinking=None)

    sampling = wanted.sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p) == (0.5, 7, 0.9)
    assert (wanted.max_tokens, wanted.thinking, wanted.messages) == (512, False, HELLO)


def test_what_is_asked_for_is_taken():
    wanted = reply(sampling={"temperature": 2, "topK": 3, "topP": 1, "seed": 4}, maxTokens=9)

    sampling = wanted.sampling
    assert (sampling.temperature, sampling.top_k, sampling.top_p, sampling.seed) == (2, 3, 1, 4)
    assert wanted.max_tokens == 9
    assert reply(sampling={"greedy": True}).sampling == GREEDY


WRONG = {
    "words for a number": ({"maxTokens": "x"}, 'maxTokens is a whole number of tokens, 1 or more, not "x"'),
    "less than none": ({"maxTokens": -1}, "not -1"),
    "none": ({"maxTokens": 0}, "not 0"),
    "a part": ({"maxTokens": 1.5}, "not 1.5"),
    "a truth for a number": ({"maxTokens": True}, "not true"),
    "a word for a truth": ({"thinking": "no"}, 'thinking is true or false, not "no"'),
    "sampling of a list": ({"sampling": [1]}, "sampling is an object"),
    "sampling of another name": ({"sampling": {"top_k": 1}}, "sampling has no top_k. It may have temperature, topK"),
    "a wrong temperature": ({"sampling": {"temperature": "hot"}}, "sampling.temperature is"),
    "a negative temperature": ({"sampling": {"temperature": -1}}, "sampling.temperature is"),
    "a wrong topK": ({"sampling": {"topK": 0}}, "sampling.topK is"),
    "a wrong topP": ({"sampling": {"topP": 2}}, "sampling.topP is"),
    "a wrong seed": ({"sampling": {"seed": "a"}}, "sampling.seed is"),
    "greed that is no truth": ({"sampling": {"greedy": 1}}, "sampling.greedy is true or false, not 1"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_of_a_reply_is_told(fields, told):
    with pytest.raises(UsageError) as caught:
        reply(**fields)

    assert told in str(caught.value)


IDS = {
    "none": ([], "ids is a list of token ids, at least one, not []"),
    "no list": (5, "not 5"),
    "one beyond the vocabulary": ([2, 100], "ids[1] is 100; this model's ids are 0 to 99"),
    "one below none": ([-1], "ids[0] is -1"),
    "a word": ([2, "a"], 'ids[1] is "a"'),
    "a truth": ([True], "ids[0] is true"),
    "a fraction": ([1.0], "ids[0] is 1.0"),
}


@pytest.mark.parametrize(("ids", "told"), IDS.values(), ids=IDS)
def test_wrong_ids_are_told(ids, told):
    for read in (ids_of, ContinueRequest.of):
        with pytest.raises(UsageError) as caught:
            read({"ids": ids, "maxTokens": 1}, 100)

        assert told in str(caught.value)


def test_a_continuation_needs_a_length():
    with pytest.raises(UsageError, match="maxTokens is missing"):
        ContinueRequest.of({"ids": [1]}, 100)


def test_a_long_value_is_cut_short():
    with pytest.raises(UsageError) as caught:
        reply(maxTokens="x" * 999)

    assert len(str(caught.value)) < 200
    assert json.dumps("x" * 999) not in str(caught.value)
