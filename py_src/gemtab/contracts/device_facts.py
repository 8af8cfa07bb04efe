"""What a device says of itself: the input of the plan, plain data from either executor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SOFTWARE = ("llvmpipe", "swiftshader")  # parts of the names of adapters that compute on the CPU
INTEGER_DOT = "packed_4x8_integer_dot_product"  # a feature of WGSL: dot4I8Packed


@dataclass(frozen=True)
class DeviceFacts:
    """An adapter's name, its features and those of WGSL, and the limits that Gemtab heeds (bytes, counts).

    `memory` is what a model may sensibly take, in bytes; 0 where nothing says. `driver` changes when what
    compiles and runs shaders does: in a page that is the browser too.
    """

    adapter: str
    features: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    memory: int = 0
    driver: str = ""

    @property
    def is_software(self) -> bool:
        """Whether its few cores are a CPU's, as far as its name tells: then few workgroups are best."""
        return any(name in self.adapter.lower() for name in SOFTWARE)

    @property
    def largest_binding(self) -> int:
        """Bytes that one storage binding may span; WebGPU's floor where the device does not say."""
        binding = self.limits.get("maxStorageBufferBindingSize", 128 << 20)
        return min(binding, self.limits.get("maxBufferSize", 256 << 20)) & ~255

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "DeviceFacts":
        """Facts as an executor reports them."""
        limits = dict(data["limits"])
        features = frozenset([*data["features"], *data["wgslFeatures"]])
        adapter = data["adapter"]
        if isinstance(adapter, Mapping):  # a page's: vendor, architecture, description
            adapter = " ".join(word for word in adapter.values() if word)
        return cls(adapter, features, limits, data["memory"], data["driver"])
