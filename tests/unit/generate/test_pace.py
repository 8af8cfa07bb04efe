"""A pass in several submits: as many as its time asks for, of about the same effort."""

from itertools import pairwise

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.speed import Speed
from gemtab.generate.pace import Pace
from gemtab.plan.accounts import accounts
from gemtab.plan.chunk import SUBMIT_SECONDS
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from helpers.every_form import encoded
from helpers.tiny_model import tiny_config

CONFIG = tiny_config()
MODEL = Model.on(Settings(CONFIG, DeviceFacts("any"), 2048), encoded(CONFIG, "q4"))
CHUNK, TOKEN = plan_prefill(MODEL, 128), plan_decode(MODEL)
WHOLE = [(0, len(CHUNK.steps))]


def parts(program, steps):
    """What each submit costs, in multiply-adds."""
    efforts = []
    for first, last in steps:
        part = program.__class__("part", program.tokens, (), program.steps[first:last])
        efforts.append(accounts(part, program.tokens, 0).total.macs)
    return efforts


def check_whole(program, steps):
    """One after the other, all steps once, none empty."""
    assert steps[0][0] == 0
    assert steps[-1][1] == len(program.steps)
    assert all(a[1] == b[0] for a, b in pairwise(steps))
    assert all(first < last for first, last in steps)


def test_a_quick_pass_is_one_submit():
    pace = Pace()
    assert pace.submits(CHUNK) == WHOLE

    pace.took(CHUNK, SUBMIT_SECONDS * 0.99)

    assert pace.submits(CHUNK) == WHOLE


@pytest.mark.parametrize("submits", [2, 3, 7])
def test_a_slow_pass_is_cut_the_next_time(submits):
    pace = Pace()
    pace.submits(CHUNK)

    pace.took(CHUNK, SUBMIT_SECONDS * (submits - 0.5))

    steps = pace.submits(CHUNK)
    check_whole(CHUNK, steps)
    assert len(steps) == submits
    largest = max(parts(CHUNK, [(n, n + 1) for n in range(len(CHUNK.steps))]))
    assert max(parts(CHUNK, steps)) <= sum(parts(CHUNK, steps)) / submits + largest


@pytest.mark.parametrize("program", [CHUNK, TOKEN], ids=["chunk", "token"])
def test_a_known_speed_cuts_the_first_pass(program):
    total = accounts(program, program.tokens, 0).total
    speed = Speed(total.macs / SUBMIT_SECONDS / 2.5, total.weights / SUBMIT_SECONDS / 2.5)

    steps = Pace(speed).submits(program)

    check_whole(program, steps)
    assert len(steps) == 3


def test_the_slowest_device_gets_a_step_a_submit():
    pace = Pace()
    pace.submits(CHUNK)

    pace.took(CHUNK, 1e6)

    check_whole(CHUNK, pace.submits(CHUNK))
    assert len(pace.submits(CHUNK)) <= len(CHUNK.steps)


def test_a_device_that_recovers_is_given_whole_passes_again():
    pace = Pace()
    pace.submits(CHUNK)
    pace.took(CHUNK, SUBMIT_SECONDS * 8.5)
    cut = pace.submits(CHUNK)

    pace.took(CHUNK, SUBMIT_SECONDS * 5)  # not so much quicker that it would pay to change
    kept = pace.submits(CHUNK)
    pace.took(CHUNK, SUBMIT_SECONDS / 2)

    assert kept == cut
    assert len(cut) > 1
    assert pace.submits(CHUNK) == WHOLE
