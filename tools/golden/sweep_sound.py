"""Random configurations and inputs of models over sound for sweep.py."""

import random

from sweep_vision import ACTIVATIONS, maybe

QUIET = ("hidden_dropout", "activation_dropout", "attention_dropout", "feat_proj_dropout", "final_dropout", "layerdrop")


def whisper(r: random.Random) -> dict:
    heads = [r.choice([1, 2, 4]) for _ in range(2)]
    return dict(
        vocab_size=r.choice([48, 61]),
        num_mel_bins=r.choice([5, 6]),
        d_model=r.choice([16, 24]),
        encoder_layers=r.choice([1, 2]),
        decoder_layers=r.choice([1, 2]),
        encoder_attention_heads=heads[0],
        decoder_attention_heads=heads[1],
        encoder_ffn_dim=r.choice([20, 33]),
        decoder_ffn_dim=r.choice([20, 33]),
        activation_function=r.choice(ACTIVATIONS),
        scale_embedding=maybe(r),
        tie_word_embeddings=maybe(r, 0.6),
        max_source_positions=r.choice([9, 12]),
        max_target_positions=24,
        pad_token_id=2,
        bos_token_id=2,
        eos_token_id=2,
        decoder_start_token_id=3,
        classifier_proj_size=r.choice([10, 12]),
        use_weighted_layer_sum=maybe(r),
    )


def tdnn(r: random.Random) -> dict:
    return dict(tdnn_dim=[8, 8, 12], tdnn_kernel=[3, 2, 1], tdnn_dilation=[1, r.choice([1, 2]), 1], xvector_output_dim=6)


def encoder(r: random.Random) -> dict:
    heads = r.choice([1, 2, 4])
    return dict.fromkeys(QUIET, 0.0) | tdnn(r) | dict(
        vocab_size=14,
        hidden_size=2 * heads * r.choice([2, 4]),
        num_hidden_layers=r.choice([1, 2]),
        num_attention_heads=heads,
        intermediate_size=r.choice([20, 33]),
        hidden_act=r.choice(ACTIVATIONS),
        classifier_proj_size=12,
        use_weighted_layer_sum=maybe(r),
        ctc_loss_reduction=r.choice(["sum", "mean"]),
        ctc_zero_infinity=maybe(r),
        num_labels=r.choice([2, 4]),
        apply_spec_augment=False,
    )


def wav2vec2(r: random.Random) -> dict:
    overrides = encoder(r)
    overrides["hidden_size"] = 2 * overrides["hidden_size"] if overrides["hidden_size"] < 8 else overrides["hidden_size"]
    return overrides | dict(
        conv_dim=[8, 12, r.choice([10, 14])],
        conv_stride=[3, 2, r.choice([1, 2])],
        conv_kernel=[5, 3, 2],
        num_conv_pos_embeddings=r.choice([5, 6]),
        num_conv_pos_embedding_groups=2,
        do_stable_layer_norm=maybe(r),
        feat_extract_norm=r.choice(["group", "layer"]),
        conv_bias=maybe(r),
        feat_extract_activation=r.choice(["gelu", "relu"]),
    )


def wav2vec2_bert(r: random.Random) -> dict:
    overrides = encoder(r) | dict(
        feature_projection_input_dim=r.choice([8, 10]),
        conv_depthwise_kernel_size=r.choice([3, 5]),
        position_embeddings_type=r.choice(["relative_key", "relative", "rotary", None]),
        left_max_position_embeddings=6,
        right_max_position_embeddings=3,
        max_source_positions=64,
        conformer_conv_dropout=0.0,
    )
    if maybe(r):
        overrides |= dict(add_adapter=True, num_adapter_layers=r.choice([1, 2]), adapter_kernel_size=r.choice([3, 5]))
        overrides |= dict(use_intermediate_ffn_before_adapter=maybe(r), adapter_act=r.choice(["relu", "gelu"]))
    return overrides


def audio_spectrogram_transformer(r: random.Random) -> dict:
    heads = r.choice([1, 2, 4])
    return dict(
        hidden_size=heads * r.choice([5, 8]),
        num_hidden_layers=r.choice([1, 2]),
        num_attention_heads=heads,
        intermediate_size=r.choice([20, 33]),
        patch_size=r.choice([3, 4]),
        frequency_stride=r.choice([2, 3]),
        time_stride=r.choice([2, 4]),
        max_length=r.choice([13, 16]),
        num_mel_bins=r.choice([8, 10]),
        qkv_bias=maybe(r, 0.6),
        hidden_act=r.choice(ACTIVATIONS),
        num_labels=r.choice([2, 5]),
    )


def speecht5(r: random.Random) -> dict:
    heads = [r.choice([1, 2, 4]) for _ in range(2)]
    quiet = [name for name in QUIET if name not in ("final_dropout", "layerdrop")]
    return dict.fromkeys((*quiet, "positional_dropout", "encoder_layerdrop", "decoder_layerdrop"), 0.0) | dict(
        vocab_size=20,
        hidden_size=r.choice([16, 24]),
        encoder_layers=r.choice([1, 2]),
        decoder_layers=r.choice([1, 2]),
        encoder_attention_heads=heads[0],
        decoder_attention_heads=heads[1],
        encoder_ffn_dim=r.choice([20, 33]),
        decoder_ffn_dim=r.choice([20, 33]),
        hidden_act=r.choice(ACTIVATIONS),
        conv_dim=[8, 12],
        conv_stride=[5, 3],
        conv_kernel=[7, 4],
        feat_extract_norm=r.choice(["group", "layer"]),
        conv_bias=maybe(r),
        num_conv_pos_embeddings=r.choice([5, 6]),
        num_conv_pos_embedding_groups=2,
        encoder_max_relative_position=r.choice([3, 5]),
        scale_embedding=maybe(r),
        num_mel_bins=6,
        speech_decoder_prenet_units=10,
        speaker_embedding_dim=7,
        speech_decoder_postnet_layers=r.choice([2, 3]),
        speech_decoder_postnet_units=8,
        speech_decoder_postnet_kernel=r.choice([3, 5]),
        reduction_factor=r.choice([1, 2, 3]),
        use_guided_attention_loss=maybe(r, 0.6),
        guided_attention_loss_num_heads=heads[1],
        max_speech_positions=80,
        max_text_positions=40,
        speech_decoder_postnet_dropout=0.0,
        tie_word_embeddings=maybe(r, 0.6),
        apply_spec_augment=False,
    )


def hifigan(r: random.Random) -> dict:
    rates, blocks = r.choice([[4, 3], [2], [3, 2]]), r.choice([1, 2])
    return dict(
        model_in_dim=r.choice([5, 6]),
        upsample_initial_channel=r.choice([8, 16]),
        upsample_rates=rates,
        upsample_kernel_sizes=[2 * rate + rate % 2 for rate in rates],
        resblock_kernel_sizes=[3, 5][:blocks],
        resblock_dilation_sizes=[[1, 3], [1, 2]][:blocks],
        normalize_before=maybe(r),
        leaky_relu_slope=r.choice([0.1, 0.2]),
    )


CONFIGS = {
    "whisper": whisper,
    "wav2vec2": wav2vec2,
    "wav2vec2-bert": wav2vec2_bert,
    "audio-spectrogram-transformer": audio_spectrogram_transformer,
    "speecht5": speecht5,
    "speecht5_hifigan": hifigan,
}


def inputs(r: random.Random, model_type: str, auto_class: str, overrides: dict, index: int) -> dict:
    """Padding stands behind the last sound, but in every third case."""
    options = dict(batch=r.choice([2, 3]), mask=index % 3 != 0)
    if model_type == "wav2vec2-bert" and overrides.get("add_adapter"):
        options["frames"] = 44
    return options
