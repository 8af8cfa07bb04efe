"""Golden copies of what is generated: every shader and the Programs of one small model.

`python -m gemtab_build.golden` writes them; with `--check` it only tells what has drifted (exit 1), so
that a change to a template or the plan shows in review as a diff of what the GPU is given.
"""

import argparse
import sys
from pathlib import Path

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.names import tensor_shapes
from gemtab.kernels.tuning import USUAL
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.known_answers.variants import tuning_of
from gemtab_build.site.kernels_file import all_kernels
from gemtab_build.site.shaders import render

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "generated"


def generated() -> dict[str, str]:
    """File name to content: the demo's kernels in q4 and packed, and its Programs' listings in q4."""
    config = open_checkpoint(DEMO).config
    tensors = {
        name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
        for name, shape in tensor_shapes(config).items()
    }
    kernels = all_kernels(config, tensors) | all_kernels(config, packed(config))
    # what a device tunes are two constants
    usual = {name: one for name, one in kernels.items() if tuning_of(one) == USUAL}
    files = {f"{name}.wgsl": render(kernel) for name, kernel in usual.items()}
    facts = DeviceFacts("any", frozenset(), {"maxStorageBufferBindingSize": 1 << 27})
    model = Model.on(Settings(config, facts, 1024, whole_limit=0), tensors)
    programs = (plan_decode(model), plan_prefill(model, 64), plan_score(model, 64))
    return files | {f"{one.name}.txt": one.listing() + "\n" for one in programs}


def packed(config: ModelConfig) -> dict[str, Tensor]:
    """The config's tensors in the encodings that a packed checkpoint mixes."""
    mixed = {"embed": "w2", "ple.embed": f"w4/{len(config.layers)}", "ple.projection": "bf16"}
    mixed |= {"gate": "w2", "up": "w2", "down": "w2", "ple_gate": "w8", "ple_out": "w8"}
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        part = name.rpartition(".")[2] if name.startswith("layers.") else name
        encoding = mixed.get(part, "w4") if len(shape) == 2 else "f32"
        grids = name.startswith("layers.") and len(shape) == 2
        tensors[name] = Tensor(shape, encoding, (), (0.03, 0.1) if grids else None)
    return tensors


def drift() -> list[str]:
    """The names of golden files that are stale, missing, or no longer made."""
    wanted = generated()
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")}
    return sorted(name for name in wanted.keys() | stored if wanted.get(name) != stored.get(name))


def main() -> int:
    """Write or check."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="write nothing, exit 1 on drift")
    differing = drift()
    if options.parse_args().check:
        for name in differing:
            print(f"{name} drifted. Run: python -m gemtab_build.golden", file=sys.stderr)
        return 1 if differing else 0
    wanted = generated()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in differing:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
