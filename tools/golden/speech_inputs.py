"""The inputs of models over sound."""

import torch


def class_labels(config, auto_class, batch, generator) -> dict[str, torch.Tensor]:
    if auto_class == "AutoModelForAudioClassification":
        return {"labels": torch.randint(0, config.num_labels, (batch,), generator=generator)}
    return {}


def whisper_inputs(config, auto_class, batch, generator, tokens=7, **_) -> dict[str, torch.Tensor]:
    frames = 2 * config.max_source_positions
    inputs = {"input_features": torch.randn((batch, config.num_mel_bins, frames), generator=generator)}
    words = torch.randint(5, config.vocab_size, (batch, tokens), generator=generator)
    if auto_class == "AutoModel":
        inputs["decoder_input_ids"] = words
    if auto_class == "AutoModelForSpeechSeq2Seq":
        words[-1, -2:] = -100
        inputs["labels"] = words
    return inputs | class_labels(config, auto_class, batch, generator)


# The inputs of each model type: (config, auto_class, batch, generator, **options) -> tensors.
INPUTS = {"whisper": whisper_inputs}
