"""Values into planes, shards and sources, and back."""
