"""Rows of figures, by what a driver's compiler says of a kernel."""

import re
from typing import Any

from bench.isa.gpus import LDS, MOST_WAVES, Amd, Intel
from bench.isa.instructions import counts, instructions, loops


def figures(kernel: dict[str, Any], gpu: Amd | Intel) -> dict[str, Any]:
    """A row of the table."""
    return amd_figures(kernel, gpu) if isinstance(gpu, Amd) else intel_figures(kernel)


def intel_figures(kernel: dict[str, Any]) -> dict[str, Any]:
    """Registers are of 32 bytes (of 64 on lnl), 128 a thread: a value of 16 lanes takes two (one)."""
    said = kernel["statistics"]
    return {
        "lanes": _lanes(kernel["texts"]["Final NIR"]), "SIMD": kernel["subgroup"],
        "live": said["Max live registers"], "spills": said["Spill Count"], "fills": said["Fill Count"],
        "scratch": said["Scratch Memory Size"], "LDS": said["Workgroup Memory Size"],
        "instrs": said["Instruction Count"], "sends": said["SEND Count"], "loops": said["Loop Count"],
        "cycles": said["Cycle Count"],
    }  # fmt: skip


def _lanes(nir: str) -> int:
    """Of a workgroup."""
    size = re.search(r"workgroup_size: (\d+), (\d+), (\d+)", nir)
    return int(size[1]) * int(size[2]) * int(size[3]) if size else 0


def amd_figures(kernel: dict[str, Any], gpu: Amd) -> dict[str, Any]:
    """`limit` is what holds back `waves`, of which a SIMD has at most 16."""
    said, texts, wave = kernel["statistics"], kernel["texts"], kernel["subgroup"]
    lanes = _lanes(texts["NIR Shader(s)"])
    waves, double = -(-lanes // wave), 64 // wave
    granule = gpu.granule * double
    by_registers = gpu.registers * double // (-(-max(said["VGPRs"], 1) // granule) * granule)
    by_lds = -(-LDS * waves // said["LDS size"]) if said["LDS size"] else MOST_WAVES
    limits = {"-": MOST_WAVES, "LDS": by_lds, "VGPRs": by_registers}  # of two alike, the first
    whole = counts(instructions(texts["Assembly"])[0], gpu, wave)
    return {
        "lanes": lanes, "wave": wave,
        "VGPRs": said["VGPRs"], "spills": said["Spilled VGPRs"] + said["Spilled SGPRs"],
        "scratch": said["Scratch size"], "LDS": said["LDS size"],
        "waves": said["Subgroups per SIMD"] * 32 // wave, "limit": min(limits, key=lambda one: limits[one]),
        "instrs": said["Instructions"], "VALU": whole.get("VALU", 0), "FMA": whole.get("multiply-add", 0),
        "VMEM": whole.get("memory", 0), "LDS ops": whole.get("LDS", 0), "barriers": whole.get("barrier", 0),
        "latency": said["Latency"], "inv.thr.": said["Inverse Throughput"],
    }  # fmt: skip


def assembly(kernel: dict[str, Any]) -> str:
    """The instructions as text."""
    texts: dict[str, str] = kernel["texts"]
    return next(text for name, text in texts.items() if name.endswith("Assembly"))


def loop_lines(kernel: dict[str, Any], gpu: Amd, least: int) -> list[str]:
    """What each loop of some length does in one turn, loops in it apart; deeper ones farther right."""
    told = []
    for depth, lines in loops(kernel["texts"]["Assembly"]):
        found = counts(lines, gpu, kernel["subgroup"])
        if found.get("all", 0) >= least:
            kinds = ", ".join(f"{kind} {n:g}" for kind, n in sorted(found.items()))
            told.append(f"{'    ' * depth}loop: {kinds}")
    return told
