"""What a page may choose of a load, checked: a wrong value is told with its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.plan.memory import PLE_PLACES

LEAST_MEMORY = 1 << 20  # bytes; who gives less means another unit


@dataclass(frozen=True)
class LoadChoices:
    """The fields of the load message beside the model; None is the engine's own choice."""

    context: int | None = None
    kv: str | None = None
    chunk: int | None = None
    ple: str | None = None
    memory: int | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "LoadChoices":
        """UsageError names a field with a value that it cannot have."""
        return cls(
            context=_whole(request, "context", 2, "tokens"),
            kv=_word(request, "kv", KV_ENCODINGS),
            chunk=_whole(request, "chunk", 1, "tokens"),
            ple=_word(request, "ple", PLE_PLACES),
            memory=_whole(request, "memory", LEAST_MEMORY, "bytes"),
        )


def _whole(request: Mapping[str, Any], name: str, least: int, unit: str) -> int | None:
    value = request.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(
            f"{name} is a whole number of {unit}, {least} or more, not {value!r}. Change it, or leave it out."
        )
    return value


def _word(request: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str | None:
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or value not in words:
        raise UsageError(
            f"{name} is one of {', '.join(words)}, not {value!r}. Change it, or leave it out."
        )
    return value
