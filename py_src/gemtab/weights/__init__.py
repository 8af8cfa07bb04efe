"""Manifest to GPU buffers; where the bytes come from is a port."""
