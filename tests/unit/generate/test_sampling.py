"""What was asked for over the model's defaults."""

from dataclasses import replace

import pytest

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Generation
from gemtab.generate.sampling import GREEDY, Sampling, choose_sampling

DEFAULTS = Generation((1,), temperature=0.7, top_k=40, top_p=0.9)


def test_defaults_are_the_models_own():
    assert choose_sampling(DEFAULTS, seed=0) == Sampling(0.7, 40, 0.9, 0)


def test_without_a_seed_each_reply_has_one_of_its_own():
    seeds = {choose_sampling(DEFAULTS).seed for _ in range(8)}

    assert len(seeds) == 8
    assert max(seeds) > 1 << 24  # of all 32 bits


def test_what_is_asked_for_goes_before_them():
    assert choose_sampling(DEFAULTS, 1, 3, 1.0, 5) == Sampling(1, 3, 1.0, 5)


def test_a_temperature_of_zero_is_greedy():
    assert choose_sampling(DEFAULTS, temperature=0) == GREEDY
    assert choose_sampling(DEFAULTS, temperature=0.0, top_k=40, seed=9) == replace(GREEDY, seed=9)


@pytest.mark.parametrize("temperature", [1e-46, 1e-39, 5e-324])
def test_a_temperature_that_a_gpu_takes_for_zero_is_greedy(temperature):
    assert choose_sampling(DEFAULTS, temperature=temperature) == GREEDY
    with pytest.raises(UsageError, match="temperature is from 0"):
        Sampling(temperature=temperature)


MISTAKES = {
    "below zero": {"temperature": -0.1},
    "no number": {"temperature": float("nan")},
    "without end": {"temperature": float("inf")},
    "text": {"temperature": "hot"},
    "a truth": {"top_p": True},
    "a fraction": {"top_k": 2.5},
    "no candidates": {"top_k": 0},
    "more candidates than the GPU keeps": {"top_k": 257},
    "no share": {"top_p": 0},
    "more than all": {"top_p": 1.01},
    "a seed below zero": {"seed": -1},
    "a seed of more than 32 bits": {"seed": 1 << 32},
}


@pytest.mark.parametrize("wanted", MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_is_named(wanted):
    (name,) = wanted

    with pytest.raises(UsageError, match=name):
        choose_sampling(DEFAULTS, **wanted)
    if name != "temperature":
        with pytest.raises(UsageError, match=name):
            choose_sampling(DEFAULTS, temperature=0, **wanted)
