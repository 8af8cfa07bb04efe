"""The page's device: what it asks of web/engine/host.js, by the names and in the order that stand there."""

import asyncio
import json
import re
from pathlib import Path

from gemtab.contracts.program import Part, Slice
from gemtab.gpu.page import PageDevice

HOST_JS = (Path(__file__).parents[3] / "web/engine/host.js").read_text()
FACTS = {
    "adapter": "a",
    "features": [],
    "wgslFeatures": [],
    "limits": {},
    "memory": 0,
    "driver": "",
}


class Bytes:
    """What a promise of bytes resolves to in Pyodide."""

    def to_bytes(self):
        return b"read"


class Host:
    """Notes what is called, with the arguments by host.js's own names."""

    def __init__(self):
        self.calls = []

    def facts(self):
        return json.dumps(FACTS)

    def __getattr__(self, name):
        (names,) = re.findall(rf"^  (?:async )?{name}\((.*)\) {{$", HOST_JS, re.MULTILINE)

        async def call(*given):
            self.calls.append((name, dict(zip(names.split(", "), given, strict=True))))
            return Bytes()

        return call


def test_a_part_of_a_dispatch_goes_to_the_host():
    host = Host()
    device = PageDevice(host)

    found = asyncio.run(
        device.replay_part("decode", Part(7, (1, 2, 3), (4, 5, 6)), Slice("reply", 8, 16))
    )

    (name, given) = host.calls[0]
    part = json.loads(given.pop("partJson"))
    assert (name, found) == ("replayPart", b"read")
    assert part == {"step": 7, "shape": [1, 2, 3], "grid": [4, 5, 6]}
    assert given == {
        "program": "decode",
        "readBuffer": "reply",
        "readOffset": 8,
        "readBytes": 16,
    }


def test_some_steps_go_to_the_host():
    host = Host()

    asyncio.run(PageDevice(host).replay("decode", 3, None, (4, 9)))

    wanted = {"program": "decode", "times": 3, "readBuffer": "", "readOffset": 0, "readBytes": 0}
    assert host.calls == [("replay", wanted | {"first": 4, "last": 9})]
