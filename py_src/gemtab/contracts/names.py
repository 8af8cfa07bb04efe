"""Names of tensors inside Gemtab, and the shapes a config gives them: the contract of rename and plan."""

from gemtab.contracts.model_config import ModelConfig

# Matrices may be encoded in any weight encoding; everything else is f32.
EMBED, PLE_EMBED, HEAD = "embed", "ple.embed", "head"
PLE_PROJECTION, PLE_NORM, FINAL_NORM = "ple.projection", "ple.norm", "norm"


def layer(index: int, part: str) -> str:
    """The name of a layer's tensor: `layers.3.q`."""
    return f"layers.{index}.{part}"


def tensor_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor that a model of this config has in an artifact, with its shape [n_out, n_in] or [n]."""
    hidden, ple = config.hidden, config.ple_dim
    shapes: dict[str, tuple[int, ...]] = {EMBED: (config.vocab, hidden), FINAL_NORM: (hidden,)}
    if not config.tied:
        shapes[HEAD] = (config.vocab, hidden)
    if ple:
        shapes[PLE_PROJECTION] = (len(config.layers) * ple, hidden)
        shapes[PLE_NORM] = (ple,)
    for index, own in enumerate(config.layers):
        parts: dict[str, tuple[int, ...]] = {
            "q": (config.heads * own.head_dim, hidden),
            "o": (hidden, config.heads * own.head_dim),
            "q_norm": (own.head_dim,),
            "gate": (own.intermediate, hidden),
            "up": (own.intermediate, hidden),
            "down": (hidden, own.intermediate),
        }
        if config.layer_scalar:
            parts["scalar"] = (1,)
        if own.kv_source == index:
            kv = (own.kv_heads * own.head_dim, hidden)
            parts |= {"k": kv, "v": kv, "k_norm": (own.head_dim,)}
        norms = ["attention_norm", "post_attention_norm", "mlp_norm", "post_mlp_norm"]
        if ple:
            parts |= {"ple_gate": (ple, hidden), "ple_out": (hidden, ple)}
            norms.append("post_ple_norm")
        parts |= dict.fromkeys(norms, (hidden,))
        shapes |= {layer(index, part): shape for part, shape in parts.items()}
    if ple:  # last: it is nearly half of all bytes, and a chat can begin without it
        shapes[PLE_EMBED] = (config.ple_vocab, len(config.layers) * ple)
    return shapes
