"""The GPUs whose compilers can be asked, and what their statistics leave out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Amd:
    """Facts for occupancy and issue rates that the statistics leave out."""

    registers: int  # of a SIMD, for waves of 64 lanes; those of 32 have twice as many
    granule: int  # in which a wave gets them
    pairs_floats: bool  # a wave of 64 takes a float operation in one cycle: RDNA 3


@dataclass(frozen=True)
class Intel:
    """The PCI id of one of its kind."""

    pci: str


GPUS: dict[str, Amd | Intel] = {
    "navi21": Amd(512, 8, False),  # Radeon RX 6800 and 6900
    "rembrandt": Amd(512, 8, False),  # Radeon 680M
    "navi31": Amd(768, 12, True),  # Radeon RX 7900
    "phoenix": Amd(512, 8, True),  # Radeon 780M
    "kbl": Intel("5916"),  # UHD Graphics 620
    "tgl": Intel("9a49"),  # Iris Xe
    "dg2": Intel("56a0"),  # Arc A770
    "lnl": Intel("64a0"),  # Arc 140V
}
LDS, MOST_WAVES = 32768, 16  # of a SIMD of AMD's
