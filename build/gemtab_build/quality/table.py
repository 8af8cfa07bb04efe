"""A report for people: a line for each kind of tensor, and what the text says."""

from collections.abc import Mapping
from math import prod
from typing import Any

HEAD = f"{'tensors':<16} {'values':>14} {'bits':>5} {'error':>9} {'plain':>9} {'less':>6} {'cosine':>9}"


def table(report: Mapping[str, Any]) -> str:
    """Relative root mean square errors by kind of matrix; outputs, where a text was given."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for name, entry in report["tensors"].items():
        if len(entry["shape"]) == 2:
            kinds.setdefault(_kind(name), []).append(entry)
    lines = [HEAD, *(_line(kind, entries) for kind, entries in kinds.items())]
    whole = report["matrices"]
    values = sum(prod(e["shape"]) for e in report["tensors"].values())
    lines.append(_format("all", values, report["bits_per_weight"], whole, whole["plain"]))
    return "\n".join([*lines, *_text(report.get("text"))])


def _kind(name: str) -> str:
    first, _, rest = name.partition(".")
    return f"layers.*.{rest.partition('.')[2]}" if first == "layers" else name


def _line(kind: str, entries: list[Mapping[str, Any]]) -> str:
    """One line for tensors of a kind: errors averaged by how many values each has."""
    sizes = [prod(entry["shape"]) for entry in entries]
    total = sum(sizes)

    def mean(key: str, of: list[Mapping[str, Any]], power: int) -> float:
        summed = sum(size * e[key] ** power for size, e in zip(sizes, of, strict=True))
        return float((summed / total) ** (1 / power))

    keys = {"relative_rms_error": 2, "cosine": 1}
    own = {key: mean(key, entries, power) for key, power in keys.items()}
    plain = {key: mean(key, [e["plain"] for e in entries], power) for key, power in keys.items()}
    return _format(kind, total, mean("bits_per_weight", entries, 1), own, plain)


def _format(
    kind: str, values: int, bits: float, own: Mapping[str, float], plain: Mapping[str, float]
) -> str:
    error, other = own["relative_rms_error"], plain["relative_rms_error"]
    less = 1 - error / other if other else 0.0
    return (
        f"{kind:<16} {values:>14,} {bits:>5.2f} {error:>9.3%} {other:>9.3%} {less:>6.1%} "
        f"{own['cosine']:>9.6f}"
    )


def _text(text: Mapping[str, Any] | None) -> list[str]:
    if text is None:
        return []
    lines = ["", f"{text['tokens']} tokens      perplexity        KL  same top 1"]
    lines.append(f"{'unquantized':<16} {text['unquantized']['perplexity']:>10.4f}")
    for name in ("built", "plain"):
        own = text[name]
        lines.append(
            f"{name:<16} {own['perplexity']:>10.4f} {own['kl']:>9.6f} {own['same_top_1']:>11.2%}"
        )
    return lines
