"""Dawn on a null GPU."""

import json
import os
from pathlib import Path
from typing import Any

FEATURES = ("shader-f16", "subgroups")
LIMITS = ("max-compute-workgroup-storage-size", "max-compute-invocations-per-workgroup",
          "max-storage-buffers-per-shader-stage")  # fmt: skip


class Compiler:
    """Dawn on the null GPU: WGSL in, what the layer wrote down out."""

    def __init__(self, robust: bool) -> None:
        import wgpudawn
        from wgpudawn.backends.dawn import extras

        adapter = wgpudawn.gpu.enumerate_adapters_sync()[0]
        self.name = f"{adapter.info['device']}, {adapter.info['description']}"
        toggles = () if robust else ("disable_robustness",)
        self._device = extras.request_device_sync(
            adapter, None,
            required_features=[one for one in FEATURES if one in adapter.features],
            required_limits={name: adapter.limits[name] for name in LIMITS}, enable_toggles=toggles,
        )  # fmt: skip
        self.features = {one for one in FEATURES if one in adapter.features}
        self.toggles = extras.get_toggles(self._device)
        self._written = Path(os.environ["ISA_OUT"])
        self._kept: list[Any] = []  # to let go of a pipeline is more than null hardware can

    def compile(self, wgsl: str, entry: str) -> dict[str, Any]:
        """Statistics and texts of one kernel."""
        self._written.write_text("")
        module = self._device.create_shader_module(code=wgsl)
        compute = {"module": module, "entry_point": entry}
        self._kept.append(self._device.create_compute_pipeline(layout="auto", compute=compute))
        written: dict[str, Any] = json.loads(self._written.read_text().splitlines()[-1])
        return written
