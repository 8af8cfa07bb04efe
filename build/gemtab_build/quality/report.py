"""A report on quantized weights, as plain data: errors of tensors, built and by the plain rules.

    {"model", "weights", "bits_per_weight", "searched", "calibrated",
     "tensors": {name: {"encoding", "shape", "bits_per_weight", ERRORS, "plain": {ERRORS}}},
     "matrices": {ERRORS, "plain": {ERRORS}},        all matrices taken together
     "text": {"tokens", "unquantized": {"perplexity"}, "built" and "plain": {"perplexity", "kl", "same_top_1"}}}

ERRORS are relative_rms_error, weighted_relative_rms_error (by the importance that was measured),
max_error and cosine. `plain` is what Q4_0's and Q8_0's rules make of the same values. kl is the mean
divergence of the next token's distribution from the unquantized model's, in nats.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from gemtab.contracts.manifest import Tensor
from gemtab.contracts.placement import rows_and_width
from gemtab.contracts.quantization import planes
from gemtab_build.arrays import Floats
from gemtab_build.progress import Report
from gemtab_build.quality.outputs import compare_outputs
from gemtab_build.quality.sources import ArtifactSource, PlainlyRounded, Source
from gemtab_build.quality.tensor_error import TensorError
from gemtab_build.quality.windows import Window
from gemtab_build.weights.encode_tensors import slabs


def compare_tensors(
    original: Source,
    built: ArtifactSource,
    importance: Mapping[str, Floats],
    report: Report = lambda *_: None,
) -> dict[str, Any]:
    """The parts `bits_per_weight`, `tensors` and `matrices` of a report."""
    tensors = built.manifest.tensors
    plain = plainly_rounded(original, built)
    total = sum(prod(tensor.shape) for tensor in tensors.values())
    done = 0
    entries: dict[str, Any] = {}
    all_built, all_plain = TensorError(), TensorError()
    for name, tensor in tensors.items():
        own, other = TensorError(), TensorError()
        for first, count in slabs(*rows_and_width(tensor.shape)):
            given = original.rows(name, first, count)
            own.add(given, built.rows(name, first, count), importance.get(name))
            other.add(given, plain.rows(name, first, count), importance.get(name))
            done += given.size
            report(name, done, total)
        entries[name] = {
            "encoding": tensor.encoding,
            "shape": list(tensor.shape),
            "bits_per_weight": 8 * _bytes(tensor) / prod(tensor.shape),
            **own.to_json(),
            "plain": other.to_json(),
        }
        if len(tensor.shape) == 2:
            all_built += own
            all_plain += other
    return {
        "bits_per_weight": 8 * sum(map(_bytes, tensors.values())) / total,
        "tensors": entries,
        "matrices": {**all_built.to_json(), "plain": all_plain.to_json()},
    }


def compare_text(
    original: Source,
    built: ArtifactSource,
    windows: Sequence[Window],
    report: Report = lambda *_: None,
) -> dict[str, Any]:
    """The part `text` of a report."""
    others: dict[str, Source] = {"built": built, "plain": plainly_rounded(original, built)}
    outputs = compare_outputs(original, others, windows, report)
    return {"tokens": sum(len(window) - 1 for window in windows), **outputs}


def plainly_rounded(original: Source, built: ArtifactSource) -> PlainlyRounded:
    """The original in the artifact's encodings, its scales by the plain rules."""
    encodings = {name: tensor.encoding for name, tensor in built.manifest.tensors.items()}
    return PlainlyRounded(original, encodings)


def _bytes(tensor: Tensor) -> int:
    rows, width = rows_and_width(tensor.shape)
    return sum(plane.bytes(rows) for plane in planes(tensor.encoding, width))
