"""The build tool's own forward pass against float64, in every shape that a config can have."""

import numpy as np
import pytest

from gemtab.contracts import names
from gemtab_build.quality.forward import final_states
from helpers import reference
from helpers.tiny_model import GEMMA3, SHAPES, tiny_config, tiny_tensors


class Memory:
    """Tensors in memory as a source."""

    def __init__(self, config, tensors):
        self.config, self.tensors = config, tensors

    def rows(self, name, first, count):
        values = self.tensors[name]
        return values.reshape(1, -1) if values.ndim == 1 else values[first : first + count]


@pytest.mark.parametrize("changes", [*SHAPES.values(), GEMMA3], ids=[*SHAPES, "Gemma 3"])
def test_states_are_those_of_float64_in_every_window(rng, changes):
    config = tiny_config(**changes)
    tensors = tiny_tensors(config)
    windows = [rng.integers(0, config.vocab, count) for count in (37, 5, 53)]
    states = final_states(Memory(config, tensors), windows).astype(np.float64)
    logits = states @ tensors[names.EMBED if config.tied else names.HEAD].T.astype(np.float64)
    if config.softcap:
        logits = config.softcap * np.tanh(logits / config.softcap)
    wanted = np.concatenate([reference.logits(config, tensors, ids) for ids in windows])
    errors = np.linalg.norm(logits - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    assert errors.max() < 2e-4


@pytest.mark.slow
def test_every_matrix_is_watched_but_the_table_of_rows(rng):
    config = tiny_config()
    seen = {}
    tensors = tiny_tensors(config)
    windows = [rng.integers(0, config.vocab, 700), rng.integers(0, config.vocab, 701)]
    final_states(
        Memory(config, tensors), windows, lambda name, x: seen.setdefault(name, []).append(x)
    )
    matrices = {name for name, values in tensors.items() if values.ndim == 2}
    assert set(seen) == matrices - {names.PLE_EMBED}
    for name, inputs in seen.items():
        assert sum(map(len, inputs)) == 1401
        assert {x.shape[1] for x in inputs} == {tensors[name].shape[1]}
