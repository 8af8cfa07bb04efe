"""Model config and device facts to Programs and buffers. Pure, no GPU."""
