"""Plain data, as JSON holds it, into dataclasses: their annotations say what each value must be."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def from_plain(kind: Any, data: Any, where: str = "it") -> Any:
    """`data` as a `kind`; ValueError names what is of another type, missing, or too much.

    Knows dataclasses, tuple[X, ...] and tuple[X, Y], Mapping[str, X], X | None, JSON's own types, and Any.
    """
    if kind is Any:
        return data
    if is_dataclass(kind):
        return _dataclass(kind, data, where)
    origin, args = get_origin(kind), get_args(kind)
    if origin is tuple and type(data) is list:
        return _tuple(args, data, where)
    if origin is Mapping and type(data) is dict:
        return {key: from_plain(args[1], value, f"{where}[{key!r}]") for key, value in data.items()}
    if origin is UnionType:
        (other,) = (arg for arg in args if arg is not NoneType)
        return None if data is None else from_plain(other, data, where)
    if kind is float and type(data) is int:
        return float(data)
    if type(data) is not kind:
        raise ValueError(f"{where} is {str(data)[:40]!r}, not {getattr(kind, '__name__', kind)}")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _dataclass(kind: Any, data: Any, where: str) -> Any:
    if type(data) is not dict:
        raise ValueError(f"{where} is {str(data)[:40]!r}, not an object")
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    hints = _hints(kind)
    wrong = sorted((needed - data.keys()) | (data.keys() - hints.keys()))
    if wrong:
        lack = "lacks" if wrong[0] in hints else "has an unknown"
        raise ValueError(f"{where} {lack} {wrong[0]}")
    return kind(
        **{name: from_plain(hints[name], value, f"{where}.{name}") for name, value in data.items()}
    )


def _tuple(kinds: tuple[Any, ...], data: list[Any], where: str) -> tuple[Any, ...]:
    if kinds[1:] == (Ellipsis,):
        kinds = (kinds[0],) * len(data)
    if len(kinds) != len(data):
        raise ValueError(f"{where} has {len(data)} values, not {len(kinds)}")
    return tuple(
        from_plain(kind, value, f"{where}[{i}]")
        for i, (kind, value) in enumerate(zip(kinds, data, strict=True))
    )
