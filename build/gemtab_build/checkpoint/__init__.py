"""What is built from: models on this machine and the Hub, their tensors by our names."""
