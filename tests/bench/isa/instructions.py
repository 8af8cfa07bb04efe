"""AMD's instructions as Mesa prints them: loops, and what is in them."""

import re
from collections import defaultdict

from bench.isa.gpus import Amd

PAIRED = re.compile(  # what ACO, Mesa's compiler, takes to issue for 64 lanes in one cycle
    r"v_(fma|fmac|fmaak|fmamk|mul|add|sub|subrev|max|min)(_legacy)?_f(16|32)|v_fma_mix|v_mov_b32|v_cndmask_b32|v_dot2"
)
SLOW = re.compile(r"v_(exp|log|rcp|rsq|sqrt|sin|cos)_|v_mul_(lo|hi)_u32|v_mul_lo_i32|v_mad_[iu]64")
KINDS = {
    "multiply-add": r"v_(pk_)?(fma|fmac|fmaak|fmamk|mad_f|mac_f)|v_dot",
    "f32": r"v_(mul|add|sub|subrev|max|min|max3|min3|med3|rndne|floor|trunc|fract|ldexp|div)\w*_f(16|32)",
    "transcendental": r"v_(exp|log|rcp|rsq|sqrt|sin|cos)_",
    "convert": r"v_cvt_",
    "bits": r"v_(and|or|xor|not|lshl|lshr|ashr|bfe|bfi|perm|align|and_or|or3|xad)",
    "move": r"v_(mov|cndmask|readlane|readfirstlane|writelane|permlane)",
    "compare": r"v_cmp",
    "integer": r"v_",
    "memory": r"(buffer|global|flat)_(load|store|atomic)",
    "scratch": r"scratch_",
    "LDS": r"ds_",
    "scalar load": r"s_(buffer_)?load",
    "wait": r"s_waitcnt(?!_depctr)|s_wait_",
    "barrier": r"s_barrier",
    "scalar": r"s_",
}
HINTS = re.compile(
    r"s_(delay_alu|nop|clause|waitcnt_depctr|set_inst_prefetch|inst_prefetch|code_end)"
)
WIDTHS = {"b32": 4, "b64": 8, "b96": 12, "b128": 16, "dword": 4, "dwordx2": 8, "dwordx3": 12,
          "dwordx4": 16, "u8": 1, "i8": 1, "u16": 2, "i16": 2, "ubyte": 1, "ushort": 2}  # fmt: skip
_KINDS = {kind: re.compile(pattern) for kind, pattern in KINDS.items()}


def instructions(text: str) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """(operation, operands) of each line, and where labels stand. A pair is two, named v_dual_…."""
    lines: list[tuple[str, str]] = []
    labels: dict[str, int] = {}
    for line in text.splitlines():
        label = re.fullmatch(r"(BB\d+):\s*", line)
        if label:
            labels[label[1]] = len(lines)
        elif line.startswith(" ") and not line.startswith(" ("):
            for half in line.partition(";")[0].split("::"):
                operation, _, operands = half.strip().partition(" ")
                lines.append((operation, operands))
    return lines, labels


def loops(text: str) -> list[tuple[int, list[tuple[str, str]]]]:
    """Each loop's depth and own instructions, without those of loops in it.

    A loop is what stands between a label and the last jump back to it.
    """
    lines, labels = instructions(text)
    ends: dict[int, int] = {}
    for at, (operation, operands) in enumerate(lines):
        jumps = operation.startswith(("s_branch", "s_cbranch"))
        first = labels.get(operands.strip()) if jumps else None
        if first is not None and first <= at:
            ends[first] = max(at + 1, ends.get(first, 0))
    around = [
        [first for first, end in ends.items() if first <= at < end] for at in range(len(lines))
    ]
    own: dict[int, list[tuple[str, str]]] = {first: [] for first in sorted(ends)}
    for line, firsts in zip(lines, around, strict=True):
        if firsts:
            own[max(firsts)].append(line)
    return [(len(around[first]), body) for first, body in own.items()]


def counts(lines: list[tuple[str, str]], gpu: Amd, wave: int) -> dict[str, float]:
    """Instructions by kind; cycles in which a wave's SIMD is busy with them; bytes a lane loads."""
    found: dict[str, float] = defaultdict(int)
    for written, _ in lines:
        operation = written.replace("v_dual_", "v_")
        if HINTS.match(operation):
            continue
        kind = next((kind for kind, known in _KINDS.items() if known.match(operation)), "other")
        found[kind] += 1
        found["all"] += 1
        if operation.startswith("v_"):
            found["VALU"] += 1
            passes: float = 1 if wave == 32 or (gpu.pairs_floats and PAIRED.match(operation)) else 2
            if written != operation:
                passes = 0.5  # both halves of a pair go together
            found["cycles"] += passes * (4 if SLOW.match(operation) else 1)
        elif kind in ("memory", "LDS") and re.search("load|_read", operation):
            found[f"{kind} bytes"] += WIDTHS.get(operation.rpartition("_")[2], 0)
    return found
