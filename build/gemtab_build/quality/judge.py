"""Around a build: importance measured before it, a report written after it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab.text.tokenizer import Tokenizer
from gemtab_build.arrays import Floats
from gemtab_build.artifact import open_artifact
from gemtab_build.checkpoint.packed import find_packed
from gemtab_build.checkpoint.rename import match_tensors
from gemtab_build.checkpoint.runnable import check_config
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.progress import bar
from gemtab_build.quality.calibrate import measure_importance
from gemtab_build.quality.report import compare_tensors, compare_text
from gemtab_build.quality.sources import ArtifactSource, CheckpointSource
from gemtab_build.quality.windows import Window, hold_out, read_windows
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_file
from gemtab_build.weights.quantize import Rounding


@dataclass(frozen=True)
class Judge:
    """A checkpoint, the windows that importance is measured on, and those that a report judges by."""

    source: CheckpointSource
    measured: list[Window] = field(default_factory=list)
    judged: list[Window] = field(default_factory=list)

    def importance(self) -> dict[str, Floats]:
        """By matrix, the importance of its columns; nothing where there is no text to measure on."""
        if not self.measured:
            return {}
        with bar("Calibrating") as progress:
            return measure_importance(self.source, self.measured, progress)

    def report(self, site: Path, rounding: Rounding) -> dict[str, Any]:
        """A report on what was built of this checkpoint."""
        manifest, folder = open_artifact(site)
        built = ArtifactSource(manifest, folder)
        facts: dict[str, Any] = {
            "model": manifest.model,
            "weights": manifest.weights,
            "searched": rounding.search,
            "calibrated": bool(rounding.importance),
        }
        with bar("Comparing tensors") as progress:
            facts |= compare_tensors(self.source, built, rounding.importance, progress)
        if self.judged:
            with bar("Comparing outputs") as progress:
                facts["text"] = compare_text(self.source, built, self.judged, progress)
        return facts


def open_judge(folder: Path, calibrate: Path | None, text: Path | None) -> Judge:
    """A judge of a checkpoint. Part of the text to calibrate on is kept to judge by, if it is all there is."""
    checkpoint = open_checkpoint(folder)
    check_config(checkpoint.config)
    names, _ = match_tensors(checkpoint.tensors, checkpoint.config)
    if find_packed(checkpoint, names):
        raise UsageError(
            f"{folder} comes packed and is copied bit for bit: there is nothing to calibrate or to "
            f"report on. Leave out --calibrate and --report."
        )
    source = CheckpointSource(checkpoint, names)
    if calibrate is None and text is None:
        return Judge(source)
    tokenizer = Tokenizer(read_tokenizer_file(folder))
    sizes = checkpoint.config.bos_id, checkpoint.config.vocab
    measured = read_windows(calibrate, tokenizer, *sizes) if calibrate else []
    if text:
        return Judge(source, measured, read_windows(text, tokenizer, *sizes))
    return Judge(source, *hold_out(measured))


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """The report as JSON."""
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
