"""What a checkpoint says beside its weights: when a reply ends, its template, special tokens."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import CheckpointError, UsageError
from gemtab.contracts.manifest import Generation
from gemtab.generate.sampling import choose_sampling
from gemtab.text.chat_template import special_tokens_of
from gemtab_build.checkpoint.stored import Checkpoint, read_json


def read_generation(checkpoint: Checkpoint) -> Generation:
    """Defaults of generation_config.json; the config's end ids where it has none."""
    given = _optional(checkpoint.folder / "generation_config.json")
    raw = checkpoint.raw_config
    text = raw.get("text_config", raw)
    candidates = (given, raw, text)
    ends: Any = next(
        (c["eos_token_id"] for c in candidates if c.get("eos_token_id") is not None), []
    )
    stop_ids = tuple(ends) if isinstance(ends, list) else (ends,)
    try:
        if not all(type(i) is int and 0 <= i < checkpoint.config.vocab for i in stop_ids):
            raise ValueError(f"eos_token_id {ends!r} names no token of this vocabulary")
        defaults = Generation(
            stop_ids,
            float(given.get("temperature", Generation.temperature)),
            int(given.get("top_k", Generation.top_k)),
            float(given.get("top_p", Generation.top_p)),
        )
        choose_sampling(defaults)  # raises where a reply would
    except (TypeError, ValueError, UsageError) as error:
        raise CheckpointError(
            f"generation_config.json of {checkpoint.folder} is not as expected: {error}."
        ) from error
    return replace(defaults, temperature=0.0) if given.get("do_sample") is False else defaults


def read_named_ids(folder: Path) -> dict[str, list[int]]:
    """The token ids that generation_config.json names, by setting; a negative one means none."""
    named = {}
    for setting, value in _optional(folder / "generation_config.json").items():
        ids = value if isinstance(value, list) else [value]
        if setting.endswith("_token_id"):
            named[setting] = [i for i in ids if type(i) is int and i >= 0]
    return named


def read_chat_template(folder: Path) -> str | None:
    """The chat template, from its own file or from an older tokenizer_config.json, or None."""
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    except FileNotFoundError:
        pass
    for name in ("chat_template.json", "tokenizer_config.json"):
        found = _optional(folder / name).get("chat_template")
        if isinstance(found, list):
            named = {entry.get("name"): entry.get("template") for entry in found}
            found = named.get("default")
        if isinstance(found, str):
            return found
    return None


def read_special_tokens(folder: Path) -> dict[str, str]:
    """The special tokens by name that the chat template may use."""
    return special_tokens_of(_optional(folder / "tokenizer_config.json"))


def _optional(path: Path) -> Mapping[str, Any]:
    return read_json(path) if path.exists() else {}
