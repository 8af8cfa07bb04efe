"""Gemtab's build tool: checkpoints in, a static site out."""
