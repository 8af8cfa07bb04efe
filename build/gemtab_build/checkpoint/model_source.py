"""What MODEL means on the command line: a folder, the embedded model, or a model of the Hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab_build.checkpoint.stored import Checkpoint, open_checkpoint
from gemtab_build.progress import Report

DEMO = Path(__file__).parents[1] / "demo" / "checkpoint"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class ModelSource:
    """A checkpoint's folder, the name that an artifact of it gets, and notes on where it is from."""

    folder: Path
    name: str
    notes: tuple[str, ...] = ()


def find_model(
    model: str, revision: str | None = None, report: Report = lambda *_: None
) -> ModelSource:
    """Where MODEL lies, downloaded if need be; UsageError if there is no such thing."""
    if _is_on_hub(model, revision):
        from gemtab_build.checkpoint.hub import fetch

        folder = fetch(model, revision, report)
        note = f"from {model} of the Hub, commit {folder.name}"
        return ModelSource(folder, model.partition("/")[2], (note,))
    if model == "demo":
        return ModelSource(DEMO, "gemtab-demo")
    return ModelSource(Path(model), Path(model).resolve().name)


def look_at_model(model: str, revision: str | None = None) -> Checkpoint:
    """The checkpoint that MODEL means, without a download of its weights."""
    if _is_on_hub(model, revision):
        from gemtab_build.checkpoint.hub import peek

        return peek(model, revision)
    return open_checkpoint(find_model(model).folder)


def _is_on_hub(model: str, revision: str | None) -> bool:
    """Whether MODEL is a Hub id; UsageError where it is nothing at all."""
    if model == "demo" or Path(model).is_dir():
        if revision is not None:
            raise UsageError(
                f"--revision {revision} is for a model of the Hub; {model} is on this machine."
            )
        return False
    if HUB_ID.fullmatch(model) and model[0] != ".":
        return True
    raise UsageError(
        f"{model} is no folder. Give a checkpoint's folder, a Hub id (ORG/NAME), or 'demo'."
    )
