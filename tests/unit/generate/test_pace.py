"""A pass in several submits: as many as its time asks for, by its tokens and its position."""

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.program import Part
from gemtab.contracts.speed import Speed
from gemtab.generate.pace import SLOW, SLOWER, Pace, Span
from gemtab.plan.accounts import accounts, cost_of
from gemtab.plan.chunk import SUBMIT_SECONDS
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from helpers.every_form import encoded
from helpers.tiny_model import tiny_config

CONFIG = tiny_config()
MODEL = Model.on(Settings(CONFIG, DeviceFacts("any"), 2048), encoded(CONFIG, "q4"))
CHUNK, TOKEN = plan_prefill(MODEL, 128), plan_decode(MODEL)
START = Span(128, 0)
WHOLE = [(0, len(CHUNK.steps))]
FIRST = Span(1, 0)


def works(pace, program, at):
    return [submit.work for submit in pace.submits(program, at)]


def take(pace, program, at, seconds, times=1):
    """A pass that took so long in all, each of its submits as long as was foreseen of it."""
    submits = pace.submits(program, at)
    foreseen = pace.seconds(program, at)
    for submit in submits:
        if submit.effort is None:  # the last part is told the time of all
            pace.took(at.tokens, None, 0.0)
            continue
        share = pace._longer_of(at.tokens).seconds(submit.effort) / foreseen
        pace.took(at.tokens, submit.effort, seconds * share, times)


def check_whole(program, submits):
    """One after the other, all steps once; parts of one follow each other."""
    done = 0
    for submit in submits:
        if isinstance(submit, Part):
            done = submit.step + 1
            continue
        assert submit[0] == done < submit[1]
        done = submit[1]
    assert done == len(program.steps)
    for number, step in enumerate(program.steps):
        parts = [one for one in submits if isinstance(one, Part) and one.step == number]
        if parts:
            assert sum(one.shape[1] for one in parts) == step.shape[1]  # rows


def test_a_quick_pass_is_one_submit():
    pace = Pace()
    assert works(pace, CHUNK, START) == WHOLE

    take(pace, CHUNK, START, SUBMIT_SECONDS * 0.99)

    assert works(pace, CHUNK, START) == WHOLE


@pytest.mark.parametrize("submits", [2, 3, 7])
def test_a_slow_pass_is_cut_the_next_time(submits):
    pace = Pace()

    take(pace, CHUNK, START, SUBMIT_SECONDS * (submits - 0.5))

    found = works(pace, CHUNK, START)
    check_whole(CHUNK, found)
    assert submits <= len(found) <= 2 * submits
    assert pace.seconds(CHUNK, START) == pytest.approx(SUBMIT_SECONDS * (submits - 0.5))


@pytest.mark.parametrize(("program", "at"), [(CHUNK, START), (TOKEN, Span(1, 0))])
def test_a_known_speed_cuts_the_first_pass(program, at):
    total = accounts(program, *at).total
    work, endless = 1 / SUBMIT_SECONDS / 2.5, 1e30
    speed = Speed(total.macs * work, endless)
    if program is TOKEN:
        speed = Speed(endless, total.weights * work)

    submits = works(Pace(speed), program, at)

    check_whole(program, submits)
    assert 3 <= len(submits) <= 8


def test_what_alone_takes_too_long_is_parted():
    pace = Pace()
    take(pace, TOKEN, Span(1, 0), SUBMIT_SECONDS * 30)

    submits = works(pace, TOKEN, Span(1, 0))

    check_whole(TOKEN, submits)
    assert sum(1 for one in submits if isinstance(one, Part)) > 1


def test_a_device_that_recovers_is_given_whole_passes_again():
    pace = Pace()
    take(pace, CHUNK, START, SUBMIT_SECONDS * 8.5)
    cut = works(pace, CHUNK, START)

    for _ in range(3):
        take(pace, CHUNK, START, SUBMIT_SECONDS / 2)

    assert len(cut) > 1
    assert works(pace, CHUNK, START) == WHOLE


def test_more_keys_take_longer():
    pace = Pace()
    take(pace, CHUNK, START, SUBMIT_SECONDS * 0.99)

    assert len(works(pace, CHUNK, Span(128, 1920))) > 1


def test_attention_that_is_slower_than_matrices_is_learnt_where_it_shows():
    """A device whose attention takes twice what is taken first: foreseen within a tenth after some passes."""
    pace = Pace()
    true = Pace()
    for longer in true._longer:
        longer.attention *= 2
    for position in range(0, 1920, 64):
        at = Span(128, position)
        take(pace, CHUNK, at, true.seconds(CHUNK, at))

    late = Span(128, 1900)
    assert pace.seconds(CHUNK, late) == pytest.approx(true.seconds(CHUNK, late), rel=0.1)


def test_waits_are_no_work():
    """A browser that looks at the GPU every 0.1 s: passes are not cut for that, which would take longer yet."""
    pace = Pace()
    pace.wait = SUBMIT_SECONDS
    take(pace, CHUNK, START, 7 * SUBMIT_SECONDS)
    for _ in range(8):
        for submit in pace.submits(CHUNK, START):
            pace.took(START.tokens, submit.effort, SUBMIT_SECONDS)

    assert works(pace, CHUNK, START) == WHOLE


def test_several_passes_in_a_submit_are_each_as_long():
    pace = Pace()
    take(pace, TOKEN, Span(1, 0), 16 * SUBMIT_SECONDS / 2, times=16)

    assert pace.seconds(TOKEN, Span(1, 0)) == pytest.approx(SUBMIT_SECONDS / 2)


def test_an_unknown_device_is_taken_for_software():
    attention = sum(
        cost_of(step, *START).macs for step in CHUNK.steps if step.kernel.template == "attend_chunk"
    )
    total = accounts(CHUNK, *START).total

    seconds = (total.macs + (SLOWER - 1) * attention) / SLOW.macs
    seconds += (total.read + total.written) / SLOW.bytes
    assert Pace().seconds(CHUNK, START) == pytest.approx(seconds)


def test_what_is_soon_done_does_not_tell_of_a_device():
    """A few tokens take what every submit takes: a longer chunk is not cut for that."""
    pace = Pace(Speed(1e15, 1e15))
    take(pace, CHUNK, Span(40, 0), SUBMIT_SECONDS / 5)

    assert works(pace, CHUNK, START) == WHOLE
