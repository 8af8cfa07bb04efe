"""The page's requests, each field checked before anything is done: a mistake is told by name and value."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Generation
from gemtab.generate.sampling import GREEDY, Sampling, choose_sampling

SAMPLING = {"temperature": "temperature", "topK": "top_k", "topP": "top_p", "seed": "seed"}


@dataclass(frozen=True)
class ReplyRequest:
    """A `reply` as it may be carried out; messages and tools are the prompter's to check."""

    messages: Any
    tools: Any
    sampling: Sampling
    max_tokens: int
    thinking: bool

    @classmethod
    def of(cls, request: Mapping[str, Any], defaults: Generation, capacity: int) -> "ReplyRequest":
        """From a message of the page's; `capacity` is how many tokens a reply without a limit may have."""
        return cls(
            request.get("messages"),
            request.get("tools"),
            sampling_of(request.get("sampling"), defaults),
            max_tokens_of(request) or capacity,
            _flag(request, "thinking"),
        )


@dataclass(frozen=True)
class ContinueRequest:
    """A `continue` as it may be carried out."""

    ids: Sequence[int]
    max_tokens: int
    fresh: bool

    @classmethod
    def of(cls, request: Mapping[str, Any], vocab: int) -> "ContinueRequest":
        """From a message of the page's, for a model of so many ids."""
        max_tokens = max_tokens_of(request)
        if max_tokens is None:
            raise UsageError("maxTokens is missing. Say how many tokens are wanted.")
        return cls(ids_of(request, vocab), max_tokens, _flag(request, "fresh"))


def ids_of(request: Mapping[str, Any], vocab: int) -> Sequence[int]:
    """A request's `ids`: token ids of the model's, at least one."""
    ids = request.get("ids")
    if not isinstance(ids, list) or not ids:
        raise UsageError(f"ids is a list of token ids, at least one, not {_shown(ids)}.")
    for index, token_id in enumerate(ids):
        if type(token_id) is not int or not 0 <= token_id < vocab:
            raise UsageError(
                f"ids[{index}] is {_shown(token_id)}; this model's ids are 0 to {vocab - 1}."
            )
    return ids


def max_tokens_of(request: Mapping[str, Any]) -> int | None:
    """A request's `maxTokens`; None where it is left out."""
    wanted = request.get("maxTokens")
    if wanted is not None and (type(wanted) is not int or wanted < 1):
        raise UsageError(
            f"maxTokens is a whole number of tokens, 1 or more, not {_shown(wanted)}. "
            f"Change it, or leave it out."
        )
    return wanted


def sampling_of(wanted: Any, defaults: Generation) -> Sampling:
    """A request's `sampling` over the model's defaults."""
    if wanted is None:
        wanted = {}
    if not isinstance(wanted, Mapping):
        raise UsageError(
            f"sampling is an object, such as {{temperature: 0.7}}, not {_shown(wanted)}."
        )
    for name in wanted:
        if name not in (*SAMPLING, "greedy"):
            known = ", ".join([*SAMPLING, "greedy"])
            raise UsageError(f"sampling has no {name}. It may have {known}.")
    if _flag(wanted, "greedy", "sampling."):
        return GREEDY
    try:
        return choose_sampling(
            defaults, **{ours: wanted.get(own) for own, ours in SAMPLING.items()}
        )
    except UsageError as error:
        message = str(error)
        for own, ours in SAMPLING.items():
            message = message.replace(f"{ours} is", f"sampling.{own} is")
        raise UsageError(message) from error


def _flag(request: Mapping[str, Any], name: str, where: str = "") -> bool:
    value = request.get(name)
    if value is not None and type(value) is not bool:
        raise UsageError(f"{where}{name} is true or false, not {_shown(value)}.")
    return bool(value)


def _shown(value: Any) -> str:
    """A value as the page wrote it, not at length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"
