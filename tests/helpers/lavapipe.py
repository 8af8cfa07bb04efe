"""A lavapipe that Dawn takes: Mesa 25 or newer, which fetch_lavapipe.py gets for Debian 12."""

import os
from pathlib import Path

from helpers.fetch_tokenizers import cache_folder


def lavapipe_driver() -> Path | None:
    """Its Vulkan driver's description: GEMTAB_LAVAPIPE, or in the cache; None where there is none."""
    default = cache_folder() / "lavapipe" / "icd.json"
    named = Path(os.environ.get("GEMTAB_LAVAPIPE") or default)
    return named if named.exists() else None
