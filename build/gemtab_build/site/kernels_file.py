"""kernels.json: the WGSL of every kernel that a plan may pick for a model, on any device, and of `measure`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

from gemtab.contracts.device_facts import INTEGER_DOT, DeviceFacts
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.placement import place
from gemtab.contracts.program import Kernel
from gemtab.contracts.quantization import BLOCK, KV_ENCODINGS, packed_form
from gemtab.kernels.attend_chunk import ROWS as TILE
from gemtab.kernels.matmul import COLUMNS, FEW, tuned_forms
from gemtab.kernels.measure import ROWS, Measure
from gemtab.kernels.tuning import USUAL
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.known_answers.all_cases import known_answer
from gemtab_build.site.shaders import render

FEATURE_SETS = tuple(
    chosen for count in range(len(OPTIONAL) + 1) for chosen in combinations(sorted(OPTIONAL), count)
)
ANY_SIZE = 1 << 62  # how many parts a tensor is split into is nothing to a kernel
ANY_LIMITS = {"maxStorageBufferBindingSize": ANY_SIZE, "maxBufferSize": ANY_SIZE}
CAPACITY = 4096
CHUNKS = (1, 2, 4, COLUMNS, FEW + 1, TILE)  # lengths that between them take every kernel


def kernels_json(config: ModelConfig, tensors: Mapping[str, Tensor], plain: bool = False) -> bytes:
    """`{name: {wgsl, entry, bindings, features, first, trial}}`, in Tint's dialect.

    `first` lists the sets of features with which a chat begins with that kernel. Every kernel of a plan has a
    `trial` too: contracts/trial.py. `plain` leaves out kernels that need features: every device takes the same.
    """
    kernels = plain_kernels(config, tensors) if plain else all_kernels(config, tensors)
    used = {features: () if plain else features for features in FEATURE_SETS}
    first = {features: _first(config, tensors, used[features]) for features in FEATURE_SETS}
    entries = {
        name: _entry(kernel, [list(features) for features in first if name in first[features]])
        for name, kernel in sorted(kernels.items())
    }
    return json.dumps(entries, separators=(",", ":")).encode()


def _first(
    config: ModelConfig, tensors: Mapping[str, Tensor], features: tuple[str, ...]
) -> set[str]:
    """The names of what the first programs take on a device with these features."""
    facts = DeviceFacts("any", frozenset(features), ANY_LIMITS)
    model = Model.on(Settings.chosen(config, facts), dict(tensors))
    programs = plan_decode(model), plan_prefill(model, model.settings.chunk)
    return {kernel.name for program in programs for kernel in program.kernels}


def _entry(kernel: Kernel, first: list[list[str]]) -> dict[str, Any]:
    trial = known_answer(kernel)
    return {
        "wgsl": render(kernel),
        "entry": kernel.template,
        "bindings": kernel.bindings,
        "features": kernel.features,
        "first": first,
        **({"trial": trial.to_json()} if trial else {}),
    }


def plain_kernels(config: ModelConfig, tensors: Mapping[str, Tensor]) -> dict[str, Kernel]:
    """Those of `all_kernels` that devices without features take, in the usual sizes."""
    return _measure() | _kernels(config, tensors, ())


def all_kernels(config: ModelConfig, tensors: Mapping[str, Tensor]) -> dict[str, Kernel]:
    """Every kernel of every pass, feature set, cache encoding and tuning, by name; and `measure`."""
    packed = any(packed_form(tensor.encoding) for tensor in tensors.values())
    found = _measure()
    for features in FEATURE_SETS:
        if packed or INTEGER_DOT not in features:  # else the same kernels as without
            found |= _kernels(config, tensors, features)
    tuned = (one for kernel in found.values() for one in tuned_forms(kernel))
    return found | {kernel.name: kernel for kernel in tuned}


def _measure() -> dict[str, Kernel]:
    kernel = Measure(BLOCK, ROWS).kernel
    return {kernel.name: kernel}


def _kernels(
    config: ModelConfig, tensors: Mapping[str, Tensor], features: tuple[str, ...]
) -> dict[str, Kernel]:
    """What the passes take on a device with these features, with every cache encoding."""
    facts = DeviceFacts("any", frozenset(features), ANY_LIMITS)
    found: dict[str, Kernel] = {}
    for kv in KV_ENCODINGS:
        capacity = min(CAPACITY, config.max_position)
        settings = Settings(config, facts, capacity, kv)
        model = Model.on(settings, dict(tensors))
        # for devices that cannot bind a layer's matrices together
        apart = replace(model, parts=place(tensors, ANY_SIZE, together=False))
        # where one group attends to all of a window's keys
        whole = Model.on(replace(settings, capacity=min(2, capacity)), dict(tensors))
        programs = [plan_decode(model), plan_decode(apart), plan_decode(whole)]
        passes = ((plan, tokens) for plan in (plan_prefill, plan_score) for tokens in CHUNKS)
        programs += [plan(model, tokens) for plan, tokens in passes]
        if INTEGER_DOT in features:
            tuning = replace(USUAL, integer_tiles=True)
            tiled = replace(model, settings=replace(settings, tuning=tuning))
            programs.append(plan_score(tiled, FEW + 1))
        found |= {kernel.name: kernel for program in programs for kernel in program.kernels}
    return found
