"""kernels.json: the WGSL of every kernel that a plan may pick for a model, on any device, and of `measure`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.placement import place
from gemtab.contracts.program import Kernel
from gemtab.contracts.quantization import BLOCK, KV_ENCODINGS
from gemtab.kernels.matmul import FEW
from gemtab.kernels.measure import ROWS, Measure
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.known_answers.all_cases import known_answer
from gemtab_build.site.shaders import render

FEATURES = ("shader-f16", "subgroups")
ANY_SIZE = 1 << 62  # how many parts a tensor is split into is nothing to a kernel
CAPACITY = 4096
CHUNKS = (1, 2, 4, FEW, FEW + 1)  # lengths that between them take every kernel


def kernels_json(config: ModelConfig, tensors: Mapping[str, Tensor]) -> bytes:
    """`{name: {wgsl, entry, bindings, features}}`, in Tint's dialect.

    A kernel that needs features has a `trial` too: contracts/trial.py.
    """
    kernels = all_kernels(config, tensors)
    entries = {name: _entry(kernel) for name, kernel in sorted(kernels.items())}
    return json.dumps(entries, separators=(",", ":")).encode()


def _entry(kernel: Kernel) -> dict[str, Any]:
    trial = known_answer(kernel) if kernel.features else None
    return {
        "wgsl": render(kernel),
        "entry": kernel.template,
        "bindings": kernel.bindings,
        "features": kernel.features,
        **({"trial": asdict(trial)} if trial else {}),
    }


def all_kernels(config: ModelConfig, tensors: Mapping[str, Tensor]) -> dict[str, Kernel]:
    """Every kernel of every pass, feature set and cache encoding, by name; and the page's own measure."""
    measure = Measure(BLOCK, ROWS).kernel
    found = {measure.name: measure}
    for features in ((), FEATURES[:1], FEATURES[1:], FEATURES):
        limits = {"maxStorageBufferBindingSize": ANY_SIZE, "maxBufferSize": ANY_SIZE}
        facts = DeviceFacts("any", frozenset(features), limits)
        for kv in KV_ENCODINGS:
            capacity = min(CAPACITY, config.max_position)
            model = Model.on(Settings(config, facts, capacity, kv), dict(tensors))
            # for devices that cannot bind a layer's matrices together
            apart = replace(model, parts=place(tensors, ANY_SIZE, together=False))
            programs = [plan_decode(model), plan_decode(apart)]
            passes = ((plan, tokens) for plan in (plan_prefill, plan_score) for tokens in CHUNKS)
            programs += [plan(model, tokens) for plan, tokens in passes]
            found |= {kernel.name: kernel for program in programs for kernel in program.kernels}
    return found
