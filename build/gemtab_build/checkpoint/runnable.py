"""What the engine could not run later, refused by name before anything is written."""

import json
from collections.abc import Iterable, Mapping
from math import inf

from gemtab.contracts.errors import CheckpointError, ShapeError
from gemtab.contracts.model_config import LayerConfig, ModelConfig
from gemtab.contracts.plain import from_plain
from gemtab.kernels.variant import check_head_dim
from gemtab.text.vocabulary import Vocabulary


def check_config(config: ModelConfig) -> None:
    """CheckpointError unless the engine's kernels take every size of the config."""
    sizes = {
        "vocab_size": config.vocab,
        "hidden_size": config.hidden,
        "num_attention_heads": config.heads,
        "sliding_window": config.window,
        "max_position_embeddings": config.max_position,
        "num_hidden_layers": len(config.layers),
    }
    if config.ple_dim:
        sizes["hidden_size_per_layer_input"] = config.ple_dim
        sizes["vocab_size_per_layer_input"] = config.ple_vocab
    _check_counts("config.json", sizes)
    _check_numbers(config)
    if config.ple_dim and config.ple_vocab < config.vocab:
        raise CheckpointError(
            f"config.json: vocab_size_per_layer_input is {config.ple_vocab}, less than vocab_size "
            f"{config.vocab}: some tokens would have no per-layer embedding, which Gemtab does not run."
        )
    for index, layer in enumerate(config.layers):
        _check_layer(config, index, layer)
    for sliding in (True, False):
        dims = {layer.head_dim for layer in config.layers if layer.sliding == sliding}
        if len(dims) > 1:
            kind = "sliding" if sliding else "full"
            raise CheckpointError(
                f"config.json gives {kind} layers the head_dims {sorted(dims)}; Gemtab runs one a kind."
            )
    try:  # whatever else a manifest could not give back
        from_plain(ModelConfig, json.loads(json.dumps(config.to_json())), "the model")
    except ValueError as error:
        raise CheckpointError(f"config.json is not as expected: {error}.") from error


def _check_numbers(config: ModelConfig) -> None:
    numbers = {
        "rms_norm_eps": config.eps,
        "final_logit_softcapping": config.softcap,
        "rope_theta": min(config.rope_sliding.theta, config.rope_full.theta),
        "partial_rotary_factor": config.rope_full.partial,
    }
    for name, number in numbers.items():
        if type(number) not in (int, float) or not 0 <= number < inf:
            raise CheckpointError(f"config.json: {name} is {number!r}, not a number from 0 up.")


def _check_layer(config: ModelConfig, index: int, layer: LayerConfig) -> None:
    where = f"config.json, layer {index}"
    sizes = {
        "head_dim": layer.head_dim,
        "num_key_value_heads": layer.kv_heads,
        "intermediate_size": layer.intermediate,
    }
    _check_counts(where, sizes)
    try:
        check_head_dim(layer.head_dim)
    except ShapeError as error:
        raise CheckpointError(f"{where}: {error}") from error
    source = config.layers[layer.kv_source]
    if config.heads % source.kv_heads:
        raise CheckpointError(
            f"{where}: num_attention_heads is {config.heads}, which is no multiple of "
            f"num_key_value_heads {source.kv_heads}. Gemtab runs heads that share keys evenly."
        )


def _check_counts(where: str, sizes: Mapping[str, object]) -> None:
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise CheckpointError(f"{where}: {name} is {size!r}, not a number from 1 up.")


def check_vocabulary(
    vocabulary: Vocabulary, vocab: int, named: Mapping[str, Iterable[int]], template: str
) -> tuple[str, ...]:
    """CheckpointError unless the tokenizer and a model of `vocab` ids fit each other; notes.

    `named` are ids that the checkpoint's settings name, by the setting.
    """
    tokens = {i: token for i, token in enumerate(vocabulary.tokens) if token is not None}
    tokens |= {token.id: token.content for token in vocabulary.added}
    for setting, ids in named.items():
        for token_id in ids:
            if token_id not in tokens:
                raise CheckpointError(
                    f"{setting} names the id {token_id}, which tokenizer.json does not have. "
                    f"Take both from the same model."
                )
    beyond = {token_id: token for token_id, token in tokens.items() if token_id >= vocab}
    # text never becomes these, only a template writes them: Gemma 3's <image_soft_token> is one
    unused = {
        token.id for token in vocabulary.added if token.markup and token.content not in template
    }
    if beyond.keys() - unused:
        token_id = max(beyond.keys() - unused)
        raise CheckpointError(
            f"tokenizer.json has the id {token_id} ({tokens[token_id]!r}), beyond the model's "
            f"vocab_size of {vocab}. Take both from the same model."
        )
    return tuple(
        f"{token} has the id {token_id}, beyond the model's {vocab}: no prompt can hold it"
        for token_id, token in sorted(beyond.items())
    )
