"""The Device port and its two ends: the page's WebGPU and wgpu-py."""
