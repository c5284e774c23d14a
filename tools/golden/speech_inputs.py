"""The inputs of models over sound."""

import torch


def class_labels(config, auto_class, batch, generator) -> dict[str, torch.Tensor]:
    if auto_class in ("AutoModelForAudioClassification", "AutoModelForAudioXVector"):
        return {"labels": torch.randint(0, config.num_labels, (batch,), generator=generator)}
    return {}


def frame_labels(config, auto_class, batch, frames, generator) -> dict[str, torch.Tensor]:
    if auto_class == "AutoModelForPreTraining":  # some frames are hidden, each to be told from three others
        hidden = torch.rand((batch, frames), generator=generator) < 0.4
        others = torch.randint(0, batch * frames, (batch, frames, 3), generator=generator)
        return {"mask_time_indices": hidden, "sampled_negative_indices": others}
    if auto_class == "AutoModelForCTC":
        labels = torch.randint(3, config.vocab_size, (batch, 5), generator=generator)
        labels[0, 1] = labels[0, 0]  # a letter twice
        labels[-1, -2:] = -100
        return {"labels": labels}
    if auto_class == "AutoModelForAudioFrameClassification":
        classes = torch.randint(0, config.num_labels, (batch, frames), generator=generator)
        return {"labels": torch.nn.functional.one_hot(classes, config.num_labels)}
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


def wav2vec2_inputs(config, auto_class, batch, generator, samples=160, mask=True, **_) -> dict[str, torch.Tensor]:
    inputs = {"input_values": torch.randn((batch, samples), generator=generator)}
    if mask:
        inputs["attention_mask"] = torch.ones((batch, samples), dtype=torch.long)
        inputs["attention_mask"][-1, samples * 3 // 4 :] = 0
    for kernel, stride in zip(config.conv_kernel, config.conv_stride):
        samples = (samples - kernel) // stride + 1
    return inputs | frame_labels(config, auto_class, batch, samples, generator) | class_labels(config, auto_class, batch, generator)


def wav2vec2_bert_inputs(config, auto_class, batch, generator, frames=18, mask=True, **_) -> dict[str, torch.Tensor]:
    inputs = {"input_features": torch.randn((batch, frames, config.feature_projection_input_dim), generator=generator)}
    if mask:
        inputs["attention_mask"] = torch.ones((batch, frames), dtype=torch.long)
        inputs["attention_mask"][-1, frames * 3 // 4 :] = 0
    return inputs | frame_labels(config, auto_class, batch, frames, generator) | class_labels(config, auto_class, batch, generator)


def spectrogram_inputs(config, auto_class, batch, generator, **_) -> dict[str, torch.Tensor]:
    inputs = {"input_values": torch.randn((batch, config.max_length, config.num_mel_bins), generator=generator)}
    return inputs | class_labels(config, auto_class, batch, generator)


def speecht5_inputs(config, auto_class, batch, generator, samples=160, tokens=7, frames=12, mask=True, **_) -> dict[str, torch.Tensor]:
    if auto_class == "AutoModel":  # states, between layers that are not there
        heard, said = (torch.randn((batch, count, config.hidden_size), generator=generator) for count in (frames, tokens))
        inputs = {"input_values": heard, "decoder_input_values": said}
        if mask:
            inputs["attention_mask"] = (torch.arange(frames) < torch.tensor([[frames], [frames - 3]])).long()
            inputs["decoder_attention_mask"] = (torch.arange(tokens) < torch.tensor([[tokens], [tokens - 2]])).long()
        return inputs
    if auto_class == "AutoModelForTextToSpectrogram":
        inputs = {"input_ids": torch.randint(3, config.vocab_size, (batch, tokens), generator=generator)}
        length = tokens
    else:
        inputs = {"input_values": torch.randn((batch, samples), generator=generator)}
        length = samples
    if mask:
        inputs["attention_mask"] = torch.ones((batch, length), dtype=torch.long)
        inputs["attention_mask"][-1, length * 3 // 4 :] = 0
    if auto_class == "AutoModelForSpeechSeq2Seq":
        words = torch.randint(3, config.vocab_size, (batch, tokens), generator=generator)
        words[-1, -2:] = -100
        return inputs | {"labels": words}
    spectra = torch.randn((batch, frames, config.num_mel_bins), generator=generator)
    spectra[-1, -4:] = -100.0
    voices = torch.randn((batch, config.speaker_embedding_dim), generator=generator)
    return inputs | {"labels": spectra, "speaker_embeddings": voices}


def hifigan_inputs(config, auto_class, batch, generator, frames=9, **_) -> dict[str, torch.Tensor]:
    return {"spectrogram": torch.randn((batch, frames, config.model_in_dim), generator=generator)}


# The inputs of each model type: (config, auto_class, batch, generator, **options) -> tensors.
INPUTS = {
    "whisper": whisper_inputs,
    "wav2vec2": wav2vec2_inputs,
    "wav2vec2-bert": wav2vec2_bert_inputs,
    "audio-spectrogram-transformer": spectrogram_inputs,
    "speecht5": speecht5_inputs,
    "speecht5_hifigan": hifigan_inputs,
}
