"""Copies of the sliding layers' rings on the GPU: taken where a reply begins, put back on an edit."""

from gemtab.contracts.program import Buffer, Slice
from gemtab.generate.kv_cache import Snapshot
from gemtab.gpu.device import Device


class RingCopies:
    """Slots of GPU memory, each made when first used, that hold all rings one after the other."""

    def __init__(self, device: Device, rings: tuple[Buffer, ...]) -> None:
        self._device = device
        self._rings = rings

    def take(self, snapshot: Snapshot) -> None:
        """Copy the rings into the snapshot's slot."""
        slot = f"rings.{snapshot.slot}"
        self._device.create(Buffer(slot, sum(ring.bytes for ring in self._rings), "cache"))
        offset = 0
        for ring in self._rings:
            self._device.copy(Slice(ring.name, 0, ring.bytes), Slice(slot, offset, ring.bytes))
            offset += ring.bytes

    def restore(self, snapshot: Snapshot) -> None:
        """Copy the snapshot's slot back into the rings."""
        offset = 0
        for ring in self._rings:
            part = Slice(f"rings.{snapshot.slot}", offset, ring.bytes)
            self._device.copy(part, Slice(ring.name, 0, ring.bytes))
            offset += ring.bytes
