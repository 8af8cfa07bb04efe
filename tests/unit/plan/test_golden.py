"""The generated shaders and Programs are those that were last reviewed."""

from gemtab_build.golden import FOLDER, drift


def test_nothing_drifted():
    assert drift() == []


def test_the_shape_slot_follows_the_storage_slots():
    for path in FOLDER.glob("*.wgsl"):
        text = path.read_text(encoding="utf-8")
        slots = [line for line in text.splitlines() if line.startswith("@group(0) @binding(")]
        numbers = sorted(int(line.split("@binding(")[1].split(")")[0]) for line in slots)
        assert numbers == list(range(len(slots))), path.name
        assert any(f"@binding({len(slots) - 1}) var<uniform> shape" in line for line in slots)
