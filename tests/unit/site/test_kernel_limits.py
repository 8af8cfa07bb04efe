"""Every kernel keeps to what every WebGPU device has: 8 storage buffers, 16 KiB and 256 lanes a workgroup."""

import re
from contextlib import suppress

import pytest

from gemtab_build.site.kernels_file import all_kernels
from gemtab_build.site.shaders import render
from helpers.every_form import every_form

STORAGE_BUFFERS, WORKGROUP_BYTES, LANES = 8, 16384, 256
SIZES = dict.fromkeys(("f32", "u32", "i32", "bool"), 4) | {
    "f16": 2,
    "mat4x4f": 64,
    "atomic<u32>": 4,
    **{f"vec{n}{kind}": 4 * (n + n % 2) for n in (2, 3, 4) for kind in "fui"},
}
CONSTANT = re.compile(r"^const (\w+)(?:: [ui]32)? = (.+?);", re.MULTILINE)
SHARED = re.compile(r"^var<workgroup> (\w+): (.+?);", re.MULTILINE)
STORAGE = re.compile(r"^@group.*var<storage\b", re.MULTILINE)
FUNCTIONS = {"min": min, "max": max, "select": lambda no, yes, which: yes if which else no}


def constants(text: str) -> dict[str, int]:
    """The whole numbers that a text names, in whatever order."""
    values: dict[str, int] = {}
    wanted = {
        name: expression
        for name, expression in CONSTANT.findall(text)
        if re.fullmatch(r"[\w\s+*/%()<>=!&|,-]+", expression)
    }
    for _ in wanted:
        for name, expression in wanted.items():
            with suppress(NameError):  # of a number that comes later, or of another type
                values[name] = value_of(expression, values)
    return values


def value_of(expression: str, values: dict[str, int]) -> int:
    """A constant expression's value: of unsigned numbers, whose quotients are whole."""
    text = re.sub(r"\b(\d+|0x[0-9a-fA-F]+)[ui]\b", r"\1", expression).replace("/", "//")
    text = text.replace("&&", " and ").replace("||", " or ")
    return eval(text, {"__builtins__": {}}, FUNCTIONS | values)


def bytes_of(kind: str, values: dict[str, int]) -> int:
    """Bytes of a type."""
    array = re.fullmatch(r"array<(array<.+>|atomic<\w+>|\w+), (.+)>", kind)
    return bytes_of(array[1], values) * value_of(array[2], values) if array else SIZES[kind]


def reached(text: str) -> str:
    """The functions that the entry point calls, whoever calls them."""
    bodies = dict(
        re.findall(
            r"^fn (\w+)(.+?)(?=^(?:@|fn |var|const|struct)|\Z)", text, re.MULTILINE | re.DOTALL
        )
    )
    (entry,) = re.findall(r"^@compute.*\nfn (\w+)", text, re.MULTILINE)
    found, left = {entry}, [entry]
    while left:
        for name in set(re.findall(r"\b(\w+)\(", bodies[left.pop()])) & bodies.keys() - found:
            found.add(name)
            left.append(name)
    return "".join(bodies[name] for name in found)


def shared_bytes(text: str) -> int:
    """What a workgroup takes: each variable that is reached, on a border of 16."""
    values, body = constants(text), reached(text)
    return sum(
        -(-bytes_of(kind, values) // 16) * 16
        for name, kind in SHARED.findall(text)
        if re.search(rf"\b{name}\b", body)
    )


def lanes(text: str) -> int:
    """Invocations of a workgroup."""
    (size,) = re.findall(r"@workgroup_size\((\w+)\)", text)
    return value_of(size, constants(text))


def test_every_kernel_fits_every_device():
    texts = {
        name: render(kernel)
        for config, tensors in every_form()
        for name, kernel in all_kernels(config, tensors).items()
    }

    beyond = {
        name: (len(STORAGE.findall(text)), shared_bytes(text), lanes(text))
        for name, text in texts.items()
        if len(STORAGE.findall(text)) > STORAGE_BUFFERS
        or shared_bytes(text) > WORKGROUP_BYTES
        or lanes(text) > LANES
    }

    assert beyond == {}
    most = max(texts, key=lambda name: shared_bytes(texts[name]))
    assert (
        8192 < shared_bytes(texts[most]) <= WORKGROUP_BYTES
    )  # as counted, a tile or a head is there


MAIN = """
@compute @workgroup_size(LANES)
fn main() { used(); }
fn used() { a[0] = 1; }
fn idle() { b[0] = 1; }
"""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("var<workgroup> a: u32;", 16),
        ("const N: u32 = 64u;\nvar<workgroup> a: array<vec4f, N / 3u + 1u>;", 22 * 16),
        ("const N = 5u;\nvar<workgroup> a: array<mat4x4f, min(N - 1u, 1u) * 64u + 1u>;", 65 * 64),
        ("const N: u32 = select(2u, 3u, 4u > M);\nconst M = 3u;\n"
         "var<workgroup> a: array<array<f32, 5u>, N>;", 64),
        ("var<workgroup> a: array<f32, 3u>;\nvar<workgroup> b: vec3f;", 16),
    ],
)  # fmt: skip
def test_workgroup_memory_is_counted(text, size):
    assert shared_bytes(text + MAIN) == size
