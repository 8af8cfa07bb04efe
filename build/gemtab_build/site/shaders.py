"""Templates to WGSL: parameters set, snippets included, `enable` lines owned here.

A template stays legal-looking WGSL. Three things are replaced: constants between `//! param` and
`//! end`, lines `//! include NAME` (by wgsl/common/, each snippet once), and the numbers of bindings:
NAME_SLOT by NAME's place among the kernel's bindings, SHAPE_SLOT by the place after them.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Literal

from gemtab.contracts.errors import ArtifactError, DeviceError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel
from gemtab.gpu.native import NativeDevice

Dialect = Literal["tint", "naga"]
ROOT = Path(__file__).resolve().parents[3] / "wgsl"
ENABLES = {"shader-f16": "f16", "subgroups": "subgroups"}
_INCLUDE = re.compile(r"^//! include (\w+)\n", re.MULTILINE)
_PARAMS = re.compile(r"^//! param\n(.*?)^//! end\n", re.MULTILINE | re.DOTALL)


def render(kernel: Kernel, dialect: Dialect = "tint") -> str:
    """The WGSL of a kernel. naga knows subgroups without `enable`, and rejects the line."""
    text = _read(ROOT / f"{kernel.template}.wgsl")
    text = _include(text, dict(kernel.includes), set())
    text = _set_params(text, kernel)
    slots = [name.lstrip("*") for name in kernel.bindings]
    for slot, name in enumerate([*slots, "shape"]):
        text = text.replace(f"@binding({name.upper()}_SLOT)", f"@binding({slot})")
    enables = [
        f"enable {ENABLES[feature]};\n"
        for feature in kernel.features
        if feature in ENABLES and not (dialect == "naga" and feature == "subgroups")
    ]
    return "".join(enables) + text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactError(f"There is no shader file wgsl/{path.relative_to(ROOT)}.") from None


def _include(text: str, chosen: dict[str, str], seen: set[str]) -> str:
    """Put snippets in place of include lines, depth first, each file once."""

    def snippet(match: re.Match[str]) -> str:
        name = chosen.get(match[1], match[1])
        if name in seen:
            return ""
        seen.add(name)
        return _include(_read(ROOT / "common" / f"{name}.wgsl"), chosen, seen)

    return _INCLUDE.sub(snippet, text)


def _set_params(text: str, kernel: Kernel) -> str:
    """The parameter blocks with the kernel's values; a parameter found in none is an error of ours."""
    unknown = dict(kernel.params)

    def block(match: re.Match[str]) -> str:
        lines = match[1]
        for key, value in kernel.params:
            suffix = "u" if isinstance(value, int) else ""
            pattern = rf"^(const {key}: \w+ = )[^;]+;"
            lines, found = re.subn(pattern, rf"\g<1>{value}{suffix};", lines, flags=re.MULTILINE)
            if found:
                unknown.pop(key, None)
        return lines

    text = _PARAMS.sub(block, text)
    if unknown:
        raise ArtifactError(f"wgsl/{kernel.template}.wgsl has no parameter {', '.join(unknown)}.")
    return text


def compile_shaders(manifest: Manifest, folder: Path) -> str:
    """Compile every shader of an artifact that this machine's adapter can; a line that says how many."""
    if "kernels" not in manifest.files:
        return "shaders: the artifact has none"
    try:
        device = NativeDevice()
    except DeviceError as error:
        return f"shaders: not compiled, {error}"
    data = (folder / manifest.files["kernels"].url).read_bytes()
    shaders = json.loads(data)
    usable = {
        name: shader
        for name, shader in shaders.items()
        if set(shader["features"]) <= device.facts.features
    }
    asyncio.run(device.compile(usable))
    return f"shaders: {len(usable)} of {len(shaders)} compile on {device.facts.adapter}"
