"""The committed goldens of models over sound; see manifest.py."""

from record import Golden

WHISPER = dict(
    vocab_size=48, num_mel_bins=6, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
    decoder_attention_heads=4, encoder_ffn_dim=20, decoder_ffn_dim=24, max_source_positions=12,
    max_target_positions=24, pad_token_id=2, bos_token_id=2, eos_token_id=2, decoder_start_token_id=3,
    classifier_proj_size=12,
)  # fmt: skip
ONE = dict(encoder_layers=1, decoder_layers=1)
TRAINING = dict(training=True, gradients=6_000, train=True)
DROPPING = dict(
    hidden_dropout=0.1, activation_dropout=0.15, attention_dropout=0.2, feat_proj_dropout=0.1, final_dropout=0.2,
    conformer_conv_dropout=0.25,
)  # fmt: skip


def golden(model_type: str, auto_class: str, seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
    return Golden(model_type, auto_class, overrides, seed, dict(batch=2) | (inputs or {}), margin=1.0, **more)


def whisper() -> dict[str, Golden]:
    def make(seed, auto_class, overrides, **more):
        return golden("whisper", auto_class, seed, WHISPER | overrides, **more)

    speech, classes = "AutoModelForSpeechSeq2Seq", "AutoModelForAudioClassification"
    return {
        "speech_seq2seq": make(1, speech, {}, attentions=True, gradients=10_000, train=True),
        "untied": make(2, speech, ONE | dict(tie_word_embeddings=False, activation_function="relu"), gradients=8_000),
        "audio_classification": make(3, classes, ONE | dict(num_labels=5), gradients=8_000),
        "weighted_layers": make(4, classes, dict(num_labels=3, use_weighted_layer_sum=True), gradients=8_000),
        "base": make(5, "AutoModel", ONE),
        "bfloat16": make(6, speech, ONE, dtype="bfloat16"),
        "dropout": make(7, speech, dict(dropout=0.2, attention_dropout=0.1, activation_dropout=0.15), **TRAINING),
    }


WAV2VEC2 = dict(
    vocab_size=14, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, conv_dim=[8, 12, 10],
    conv_stride=[3, 2, 2], conv_kernel=[5, 3, 2], num_conv_pos_embeddings=6, num_conv_pos_embedding_groups=2,
    classifier_proj_size=12, hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0, feat_proj_dropout=0.0,
    final_dropout=0.0, layerdrop=0.0,
)  # fmt: skip


CODES = dict(num_codevectors_per_group=5, num_codevector_groups=2, codevector_dim=8, proj_codevector_dim=6, diversity_loss_weight=0.7)
SPANS = dict(mask_time_prob=0.3, mask_time_length=3, mask_time_min_masks=1, mask_feature_prob=0.25, mask_feature_length=4)
DROPS = dict(
    hidden_dropout=0.2, activation_dropout=0.15, attention_dropout=0.25, feat_proj_dropout=0.1, final_dropout=0.3, layerdrop=0.4,
    feat_quantizer_dropout=0.2, mask_time_prob=0.0, mask_feature_prob=0.0, num_hidden_layers=3,
)  # fmt: skip
TDNN = dict(tdnn_dim=[8, 8, 12], tdnn_kernel=[3, 2, 1], tdnn_dilation=[1, 2, 1], xvector_output_dim=6)


def wav2vec2() -> dict[str, Golden]:
    def make(seed, auto_class, overrides, inputs=None, **more):
        return golden("wav2vec2", auto_class, seed, WAV2VEC2 | overrides, inputs, **more)

    ctc, classes, frames = "AutoModelForCTC", "AutoModelForAudioClassification", "AutoModelForAudioFrameClassification"
    stable = dict(do_stable_layer_norm=True, feat_extract_norm="layer", conv_bias=True)
    one = dict(num_hidden_layers=1)
    return {
        "ctc": make(1, ctc, {}, attentions=True, gradients=10_000, train=True),
        "ctc_stable": make(2, ctc, stable | dict(ctc_loss_reduction="mean"), gradients=10_000),
        "ctc_no_mask": make(3, ctc, one | dict(num_conv_pos_embeddings=5, ctc_zero_infinity=True), dict(mask=False), gradients=8_000),
        "sequence_classification": make(4, classes, one | dict(num_labels=5), gradients=8_000),
        "weighted_layers": make(5, classes, dict(num_labels=3, use_weighted_layer_sum=True), dict(mask=False), gradients=8_000),
        "frame_classification": make(6, frames, one | dict(num_labels=4), gradients=8_000),
        "base": make(7, "AutoModel", stable | dict(hidden_act="relu"), attentions=True),
        "bfloat16": make(8, "AutoModel", one, dtype="bfloat16"),
        "pretraining": make(13, "AutoModelForPreTraining", CODES, gradients=12_000, train=True),
        "pretraining_no_mask": make(14, "AutoModelForPreTraining", one | CODES | stable | dict(num_codevector_groups=3, codevector_dim=9, apply_spec_augment=False, contrastive_logits_temperature=0.5), dict(mask=False), gradients=8_000),
        "training": make(17, ctc, DROPS | stable, gradients=10_000, train=True, training=True),
        "training_hidden": make(19, ctc, DROPS | SPANS, gradients=8_000, train=True, training=True),
        "training_norm_behind": make(18, "AutoModelForPreTraining", DROPS | CODES | dict(mask_time_prob=0.05), gradients=8_000, training=True),
        "adapter": make(15, ctc, one | dict(add_adapter=True, num_adapter_layers=2, output_hidden_size=12), dict(samples=320), gradients=8_000),
        "attention_adapter": make(16, ctc, stable | dict(adapter_attn_dim=6, add_adapter=True, num_adapter_layers=1, adapter_stride=1), gradients=8_000),
        "xvector": make(9, "AutoModelForAudioXVector", one | TDNN | dict(num_labels=4), gradients=10_000),
        "xvector_weighted": make(12, "AutoModelForAudioXVector", one | TDNN | dict(num_labels=4, use_weighted_layer_sum=True), dict(mask=False), gradients=8_000),
    }


WAV2VEC2_BERT = dict(
    vocab_size=14, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
    feature_projection_input_dim=10, classifier_proj_size=12, conv_depthwise_kernel_size=5, left_max_position_embeddings=6,
    right_max_position_embeddings=3, max_source_positions=64, hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0,
    feat_proj_dropout=0.0, final_dropout=0.0, layerdrop=0.0, conformer_conv_dropout=0.0, apply_spec_augment=False,
)  # fmt: skip


def wav2vec2_bert() -> dict[str, Golden]:
    def make(seed, auto_class, overrides, inputs=None, **more):
        return golden("wav2vec2-bert", auto_class, seed, WAV2VEC2_BERT | overrides, inputs, **more)

    ctc, classes, frames = "AutoModelForCTC", "AutoModelForAudioClassification", "AutoModelForAudioFrameClassification"
    voices = "AutoModelForAudioXVector"
    one, relative, rotary, absent = dict(num_hidden_layers=1), *(dict(position_embeddings_type=t) for t in ("relative", "rotary", None))
    adapter = dict(add_adapter=True)
    return {
        "ctc": make(1, ctc, {}, attentions=True, gradients=8_000, train=True),
        "ctc_relative": make(2, ctc, one | relative | dict(ctc_loss_reduction="mean", hidden_act="gelu"), gradients=8_000),
        "ctc_adapter": make(4, ctc, one | adapter | dict(num_adapter_layers=2, output_hidden_size=12, use_intermediate_ffn_before_adapter=True), dict(frames=44), gradients=8_000),
        "adapter": make(5, "AutoModel", one | adapter | absent | dict(adapter_kernel_size=5, adapter_act="gelu")),
        "weighted_layers": make(7, classes, one | relative | dict(num_labels=3, use_weighted_layer_sum=True), dict(mask=False), gradients=6_000),
        "sequence_classification": make(6, classes, one | dict(num_labels=5), gradients=6_000),
        "frame_classification": make(8, frames, one | rotary | dict(num_labels=4), gradients=6_000),
        "xvector": make(9, voices, one | TDNN | dict(num_labels=4), gradients=6_000),
        "bfloat16": make(10, "AutoModel", one, dtype="bfloat16"),
        "dropout": make(11, ctc, one | DROPPING, **TRAINING),
        "adapter_dropout": make(12, ctc, one | adapter | DROPPING, dict(frames=44), **TRAINING),
    }


AST = dict(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, patch_size=4, frequency_stride=3,
    time_stride=2, max_length=13, num_mel_bins=10,
)  # fmt: skip


def audio_spectrogram_transformer() -> dict[str, Golden]:
    def make(seed, auto_class, overrides, **more):
        return golden("audio-spectrogram-transformer", auto_class, seed, AST | overrides, **more)

    classes, one = "AutoModelForAudioClassification", dict(num_hidden_layers=1)
    return {
        "audio_classification": make(1, classes, dict(num_labels=5), attentions=True, gradients=10_000, train=True),
        "no_qkv_bias": make(2, classes, one | dict(num_labels=3, qkv_bias=False, hidden_act="relu"), gradients=8_000),
        "base": make(3, "AutoModel", {}),
        "bfloat16": make(4, "AutoModel", one, dtype="bfloat16"),
        "dropout": make(5, classes, dict(num_labels=5, hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.1), **TRAINING),
    }


SPEECHT5 = dict(
    vocab_size=20, hidden_size=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=4,
    encoder_ffn_dim=20, decoder_ffn_dim=24, conv_dim=[8, 12], conv_stride=[5, 3], conv_kernel=[7, 4], num_conv_pos_embeddings=6,
    num_conv_pos_embedding_groups=2, encoder_max_relative_position=5, num_mel_bins=6, speech_decoder_prenet_units=10,
    speaker_embedding_dim=7, speech_decoder_postnet_layers=3, speech_decoder_postnet_units=8, speech_decoder_postnet_kernel=3,
    max_speech_positions=80, max_text_positions=40, hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0,
    positional_dropout=0.0, feat_proj_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0,
    speech_decoder_postnet_dropout=0.0, apply_spec_augment=False,
)  # fmt: skip


LISTENS = dict(
    hidden_dropout=0.2, activation_dropout=0.15, attention_dropout=0.25, positional_dropout=0.1, feat_proj_dropout=0.1,
    encoder_layerdrop=0.3, decoder_layerdrop=0.3, apply_spec_augment=True,
)  # fmt: skip


def speecht5() -> dict[str, Golden]:
    def make(seed, auto_class, overrides, inputs=None, **more):
        return golden("speecht5", auto_class, seed, SPEECHT5 | overrides, inputs, **more)

    text, speech, voice = "AutoModelForSpeechSeq2Seq", "AutoModelForTextToSpectrogram", "SpeechT5ForSpeechToSpeech"
    return {
        "speech_to_text": make(1, text, {}, attentions=True, gradients=10_000),
        "scaled_untied": make(2, text, dict(scale_embedding=True, tie_word_embeddings=False, feat_extract_norm="layer", conv_bias=True, encoder_layers=1, decoder_layers=1), dict(mask=False)),
        "text_to_speech": make(3, speech, {}, gradients=10_000),
        "unguided": make(4, speech, dict(use_guided_attention_loss=False, reduction_factor=3, hidden_act="relu", encoder_layers=1, decoder_layers=1), dict(mask=False), gradients=8_000),
        "speech_to_speech": make(5, voice, dict(encoder_layers=1, decoder_layers=1)),
        "training": make(8, text, LISTENS | SPANS | dict(speech_decoder_postnet_dropout=0.5), gradients=8_000, training=True),
        "base": make(6, "AutoModel", {}, attentions=True),
        "base_no_mask": make(7, "AutoModel", dict(encoder_layers=1, hidden_act="relu"), dict(mask=False)),
    }


HIFIGAN = dict(
    model_in_dim=6, upsample_initial_channel=16, upsample_rates=[4, 3], upsample_kernel_sizes=[8, 7], resblock_kernel_sizes=[3, 5],
    resblock_dilation_sizes=[[1, 3], [1, 2]],
)  # fmt: skip


def hifigan() -> dict[str, Golden]:
    def make(seed, overrides):
        return Golden("speecht5_hifigan", "SpeechT5HifiGan", HIFIGAN | overrides, seed, dict(batch=2), margin=1.0)

    return {"vocoder": make(1, {}), "as_is": make(2, dict(normalize_before=False, leaky_relu_slope=0.2, upsample_rates=[2], upsample_kernel_sizes=[4]))}


SPEECH = {
    "whisper": whisper(),
    "wav2vec2": wav2vec2(),
    "wav2vec2-bert": wav2vec2_bert(),
    "audio-spectrogram-transformer": audio_spectrogram_transformer(),
    "speecht5": speecht5(),
    "speecht5_hifigan": hifigan(),
}
