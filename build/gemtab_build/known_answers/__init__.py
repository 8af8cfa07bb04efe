"""Cases with known answers: what a device must show before it is trusted with a kernel."""
