"""What a device must show before it is trusted, and how fast it is. Knows kernels, not models."""
