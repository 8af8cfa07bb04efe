"""Steps in parts: every kernel whose dispatches may run so reads the words that say where a part begins."""

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.kernels.heads import NO_WINDOW, WINDOW_WORD
from gemtab.kernels.parts import parts_of
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.site.shaders import render
from helpers.every_form import encoded
from helpers.tiny_model import tiny_config

CONFIG = tiny_config()
MODEL = Model.on(Settings(CONFIG, DeviceFacts("any"), 4096), encoded(CONFIG, "q4"))
PROGRAMS = [
    plan_decode(MODEL),
    *(plan_prefill(MODEL, n) for n in (2, 16, 64)),
    plan_score(MODEL, 64),
]
WORDS = {
    "attend": ("first_group", "first_split"),
    "attend_chunk": ("first_group", "first_key", "end_key"),
}
ROWS = ("w_row", "first", "n_out")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_whatever_takes_long_has_parts_and_reads_where_they_begin(program):
    seen = set()
    for number, step in enumerate(program.steps):
        parts = parts_of(number, step, 2, 1000)
        template = step.kernel.template
        if (template in WORDS and step.grid[1:] != (1, 1)) or (
            template.startswith("mat") and step.label.startswith("embed")
        ):
            assert parts, step.label
        if parts and template not in seen:
            seen.add(template)
            text = render(step.kernel)
            assert all(f"shape.{word}" in text for word in WORDS.get(template, ROWS))
    assert len(seen) > 1


def test_parts_of_keys_are_whole_blocks_and_the_last_has_all_that_are_left():
    step = next(
        s
        for s in PROGRAMS[-1].steps
        if s.kernel.template == "attend_chunk" and s.shape[WINDOW_WORD] == NO_WINDOW
    )

    ranges = [part.shape[15:17] for part in parts_of(0, step, 3, 1000)]

    assert ranges == [(0, 320), (320, 640), (640, 0xFFFFFFFF)]
