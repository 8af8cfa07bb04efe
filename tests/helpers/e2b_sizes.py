"""The sizes of Gemma 4 E2B's language model, and models of its kind by tensors without bytes."""

from gemtab.contracts.manifest import Generation, Manifest, Piece, Source, Tensor
from gemtab.contracts.model_config import FULL, SLIDING
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.placement import rows_and_width
from gemtab.contracts.quantization import planes

E2B = {
    "vocab_size": 262144, "vocab_size_per_layer_input": 262144, "hidden_size": 1536,
    "intermediate_size": 6144, "num_hidden_layers": 35, "num_attention_heads": 8,
    "num_key_value_heads": 1, "head_dim": 256, "global_head_dim": 512, "sliding_window": 512,
    "layer_types": ([SLIDING] * 4 + [FULL]) * 7, "num_kv_shared_layers": 20,
    "hidden_size_per_layer_input": 256, "max_position_embeddings": 131072,
}  # fmt: skip


def named_tensors(config, encoding="q4"):
    """The config's tensors, matrices in that encoding."""
    return {
        name: Tensor(shape, encoding if len(shape) == 2 else "f32", ())
        for name, shape in tensor_shapes(config).items()
    }


def sized_manifest(config, encoding="q4"):
    """A manifest that says where each tensor would lie, a source for each of its planes."""
    sources, tensors = [], {}
    for name, tensor in named_tensors(config, encoding).items():
        rows, width = rows_and_width(tensor.shape)
        pieces = []
        for plane in planes(tensor.encoding, width):
            pieces.append(Piece(plane.name, 0, rows, len(sources), 0, plane.bytes(rows)))
            sources.append(Source(f"{name}.{plane.name}", 0, plane.bytes(rows), ""))
        tensors[name] = Tensor(tensor.shape, tensor.encoding, tuple(pieces))
    return Manifest("sized", encoding, config, Generation((1,)), {}, tuple(sources), tensors, {})
