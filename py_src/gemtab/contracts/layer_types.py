"""The two kinds of attention layers, as every config.json names them."""

SLIDING, FULL = "sliding_attention", "full_attention"
