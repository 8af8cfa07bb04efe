"""The kernels that Gemma 4 E2B's decode and prefill take on a GPU with every feature."""

import json
from pathlib import Path
from typing import Any

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.model_config import ModelConfig, read_model_config
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.golden import packed
from gemtab_build.site.kernels_file import ANY_LIMITS
from gemtab_build.site.shaders import render
from helpers.e2b_sizes import E2B, named_tensors
from helpers.tiny_model import tiny_config

FORMS = ("q4", "mobile")
PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "gemma4" / "config.json"


def e2b_config() -> ModelConfig:
    """The published config where it lies beside the project, else the tests' of the same sizes."""
    if PUBLISHED.exists():
        return read_model_config(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    return tiny_config(**E2B)


def e2b_kernels(form: str) -> dict[str, dict[str, Any]]:
    """`{name: {wgsl, entry, features}}`: weights in q4, or as the published mobile form packs them."""
    config = e2b_config()
    tensors = packed(config) if form == "mobile" else named_tensors(config)
    facts = DeviceFacts("any", frozenset(OPTIONAL), ANY_LIMITS)
    model = Model.on(Settings.chosen(config, facts), tensors)
    programs = plan_decode(model), plan_prefill(model, model.settings.chunk)
    return {
        kernel.name: {"wgsl": render(kernel), "entry": kernel.template, "features": kernel.features}
        for program in programs
        for kernel in program.kernels
    }
