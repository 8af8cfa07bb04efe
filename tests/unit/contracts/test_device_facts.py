"""Facts of a device as a page reports them."""

import pytest

from gemtab.contracts.device_facts import DeviceFacts

PAGE = {"features": ["subgroups"], "wgslFeatures": [], "limits": {}, "memory": 0, "driver": ""}


@pytest.mark.parametrize(
    ("names", "adapter", "is_software"),
    [
        (("google", "swiftshader", ""), "google swiftshader", True),
        (("nvidia", "ampere", ""), "nvidia ampere", False),
        (("", "", "Acme 9000, or similar (0123abcd)"), "Acme 9000, or similar (0123abcd)", False),
        (("", "", ""), "", False),
    ],
)
def test_a_pages_names_are_one(names, adapter, is_software):
    parts = dict(zip(("vendor", "architecture", "description"), names, strict=True))

    facts = DeviceFacts.from_json(PAGE | {"adapter": parts})

    assert facts.adapter == adapter
    assert facts.is_software == is_software
