"""The committed goldens of models over sound; see manifest.py."""

from record import Golden

WHISPER = dict(
    vocab_size=48, num_mel_bins=6, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
    decoder_attention_heads=4, encoder_ffn_dim=20, decoder_ffn_dim=24, max_source_positions=12,
    max_target_positions=24, pad_token_id=2, bos_token_id=2, eos_token_id=2, decoder_start_token_id=3,
    classifier_proj_size=12,
)  # fmt: skip
ONE = dict(encoder_layers=1, decoder_layers=1)


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
    }


SPEECH = {"whisper": whisper()}
