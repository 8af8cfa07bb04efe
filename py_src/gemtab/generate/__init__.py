"""Sessions: the KV cache's bookkeeping, the decode loop, sampling settings, stop rules."""
