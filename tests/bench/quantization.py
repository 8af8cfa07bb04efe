"""What the search for scales gains, and how fast it is.

    PYTHONPATH=py_src:build .venv/bin/python tests/bench/quantization.py

Random matrices of several kinds, and the embedded model moved off its grid by noise, which is judged
on conversations that it was not calibrated on.
"""

import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from gemtab.contracts.names import tensor_shapes
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.demo.markup import render
from gemtab_build.demo.skills import training_examples
from gemtab_build.quality.calibrate import measure_importance
from gemtab_build.quality.judge import Judge, open_judge
from gemtab_build.quality.outputs import compare_outputs
from gemtab_build.quality.sources import tensor
from gemtab_build.weights.quantize import decode, encode

SHAPE = (4096, 1536)
NOISES = (0.03, 0.1)  # of a matrix's root mean square
SEEDS = range(5)


class Memory:
    """Tensors in memory as a source."""

    def __init__(self, config, tensors):
        self.config, self.tensors = config, tensors

    def rows(self, name, first, count):
        """Rows [first, first + count)."""
        values = self.tensors[name]
        return values.reshape(1, -1) if values.ndim == 1 else values[first : first + count]


def matrices() -> None:
    """Relative root mean square errors; million values that one core does in a second."""
    rng = np.random.default_rng(1)
    kinds = {
        "normal": rng.standard_normal(SHAPE),
        "Laplace": rng.laplace(size=SHAPE),
        "Student t, 3": rng.standard_t(3, SHAPE),
        "on the grid": _on_grid(rng),
    }
    w = np.exp(rng.standard_normal(SHAPE[1])).astype(np.float32)
    print(f"{'':<26}error of     weighted     M values/core s of")
    print(
        f"{'values':<14}{'plain':>12}{'search':>9}{'less':>7}{'less':>8}{'plain':>9}{'search':>8}"
    )
    for kind, made in kinds.items():
        values = made.astype(np.float32)
        for encoding in ("q4", "q8"):
            plain, plain_speed = _round_trip(values, encoding)
            found, speed = _round_trip(values, encoding, search=True)
            weighed, _ = _round_trip(values, encoding, search=True, importance=w)
            error, less = _error(values, plain), _less(values, plain, found)
            print(
                f"{kind:<14}{encoding:<3}{error:>9.3%}{_error(values, found):>9.3%}{less:>7.1%}"
                f"{_less(values, plain, weighed, w):>8.1%}{plain_speed:>9.0f}{speed:>8.0f}"
            )


def _on_grid(rng: np.random.Generator) -> np.ndarray:
    scales = rng.uniform(1e-3, 1e-1, (SHAPE[0], SHAPE[1] // 32, 1)).astype(np.float16)
    codes = rng.integers(-7, 8, (*scales.shape[:2], 32))
    return (codes * scales.astype(np.float32)).reshape(SHAPE)


def _round_trip(values, encoding, **how) -> tuple[np.ndarray, float]:
    begin = time.process_time()
    planes = encode(values, encoding, **how)
    took = time.process_time() - begin
    return decode(planes, encoding, *values.shape), values.size / took / 1e6


def _error(given, kept, weights=1.0) -> float:
    x, y = given.astype(np.float64), kept.astype(np.float64)
    return float(np.sqrt((weights * (y - x) ** 2).sum() / (weights * x**2).sum()))


def _less(given, plain, kept, weights=1.0) -> float:
    return 1 - _error(given, kept, weights) / max(_error(given, plain, weights), 1e-30)


def embedded_model() -> None:
    """KL divergence from the noisy model of its q4, against that of the plain rule's q4."""
    with TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        text.write_text("".join(map(render, islice(training_examples(1), 300))))
        judge = open_judge(DEMO, text, None)
    print(f"\n{'noise':<8}{'KL, plain':>10}{'search':>9}{'calibrated':>12}")
    for noise in NOISES:
        found = [_divergences(judge, noise, np.random.default_rng(seed)) for seed in SEEDS]
        plain, searched, calibrated = np.mean(found, axis=0)
        print(
            f"{noise:<8.0%}{plain:>10.5f}{searched / plain - 1:>9.1%}{calibrated / plain - 1:>12.1%}"
        )


def _divergences(judge: Judge, noise: float, rng: np.random.Generator) -> list[float]:
    config = judge.source.config
    given = {}
    for name in tensor_shapes(config):
        values = tensor(judge.source, name)
        size = noise * np.sqrt(np.square(values).mean()) if values.ndim == 2 else 0
        given[name] = (values + size * rng.standard_normal(values.shape)).astype(np.float32)
    source = Memory(config, given)
    importance = measure_importance(source, judge.measured)
    others = {
        "plain": Memory(config, _kept(given, False, {})),
        "searched": Memory(config, _kept(given, True, {})),
        "calibrated": Memory(config, _kept(given, True, importance)),
    }
    outputs = compare_outputs(source, others, judge.judged)
    return [outputs[name]["kl"] for name in others]


def _kept(given: Mapping[str, np.ndarray], search: bool, importance: Mapping) -> dict:
    kept = dict(given)
    for name, values in given.items():
        if values.ndim == 2:
            planes = encode(values, "q4", search, importance.get(name))
            kept[name] = decode(planes, "q4", *values.shape)
    return kept


if __name__ == "__main__":
    matrices()
    embedded_model()
