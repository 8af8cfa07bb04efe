"""Kernels whose workgroup memory does not start as zero, though WGSL says it does: some drivers forget."""

import re

_SHARED = re.compile(r"var<workgroup>\s+(\w+)\s*:\s*([^;]+);")
_ENTRY = re.compile(r"@compute[^{]*?\(([^{]*)\)\s*\{")
_LANE = re.compile(r"local_invocation_index\)\s*(\w+)\s*:")
# as a float not a number; a lane keeps compilers from working it out
_BITS = "(0x7fc00000u | spoiler)"
_GARBAGE = {
    "f32": f"bitcast<f32>{_BITS}", "u32": _BITS, "vec2u": f"vec2u({_BITS})", "vec2f": f"bitcast<vec2f>(vec2u({_BITS}))",
    "vec4f": f"bitcast<vec4f>(vec4u({_BITS}))", "vec4u": f"vec4u({_BITS})",
    "vec4i": f"bitcast<vec4i>(vec4u({_BITS}))",
}  # fmt: skip


def spoiled(wgsl: str) -> str:
    """The kernel with garbage in all that its workgroups share when it begins; KeyError for an unknown type.

    Lane 0 writes it, and a barrier follows. A text without such memory comes back as it was.
    """
    entry = _ENTRY.search(wgsl)
    shared = _SHARED.findall(wgsl)
    if not shared or entry is None:
        return wgsl
    lane = _LANE.search(entry[1])
    if lane is None:
        raise ValueError(
            "a kernel with workgroup memory does not ask for its local_invocation_index"
        )
    fills = "".join(_fill(name, kind.strip()) for name, kind in shared)
    begins = f" let spoiler = {lane[1]}; if (spoiler == 0u) {{ {fills} }} workgroupBarrier(); "
    return wgsl[: entry.end()] + begins + wgsl[entry.end() :]


def _fill(name: str, kind: str) -> str:
    """Statements that write garbage into a variable."""
    if kind.startswith("atomic"):
        return f"atomicStore(&{name}, {_BITS});"
    array = re.fullmatch(r"array<\s*(\w+)\s*,(.*)>", kind, re.DOTALL)
    if not array:
        return f"{name} = {_GARBAGE[kind]};"
    return f"for (var i = 0u; i < u32({array[2]}); i++) {{ {name}[i] = {_GARBAGE[array[1]]}; }}"
