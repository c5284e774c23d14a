"""Random weights that are not degenerate: every parameter matters, and the logits are spread."""

import math

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D


def randomise(model: nn.Module, seed: int) -> None:
    """Norm weights vary around one, no bias is zero, activations keep a size of about one from layer to layer."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter: torch.Tensor, std: float, mean: float = 0.0) -> None:
        parameter.copy_(mean + std * torch.randn(parameter.shape, generator=generator))

    seen = set()
    with torch.no_grad():
        for module_name, module in model.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                if id(parameter) in seen:
                    continue
                seen.add(id(parameter))
                if isinstance(module, nn.Embedding):
                    normal(parameter, _embedding_std(model, module_name, parameter))
                elif name == "recurrent_param":  # states of some tokens' memory
                    normal(parameter, 0.7, mean=-3.0)
                elif name == "logit_scale":
                    parameter.fill_(1.5)
                elif name.endswith(("_token", "query_tokens", "position_embeddings", "position_embedding", "class_embedding", "probe")):  # vectors, not matrices
                    normal(parameter, 0.5)
                elif parameter.ndim >= 2:
                    fan_in = _fan_in(module, name, parameter)
                    normal(parameter, _gain(model, module_name) / math.sqrt(fan_in))
                elif name.endswith(("bias", "sinks")):
                    normal(parameter, 0.2)
                else:
                    normal(parameter, 0.2, mean=_norm_mean(model, module_name))
            for name, buffer in module.named_buffers(recurse=False):
                if name == "e_score_correction_bias":  # learned, though not by a gradient
                    normal(buffer, 0.2)
                elif name == "running_mean":
                    normal(buffer, 0.2)
                elif name == "running_var":
                    buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
                elif name == "mean":  # of a vocoder's spectra
                    normal(buffer, 0.3)
                elif name == "scale":
                    buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
                elif name == "final_logits_bias":  # a value of the checkpoint that is not trained
                    normal(buffer, 0.5)


def _fan_in(module: nn.Module, name: str, parameter: torch.Tensor) -> int:
    if isinstance(module, Conv1D):
        return parameter.shape[0]
    if name in ("gate_up_proj", "down_proj") and parameter.ndim == 3:  # of experts; as x W where biases stand beside
        return parameter.shape[1 if hasattr(module, f"{name}_bias") else 2]
    return parameter[0].numel()


# Output matrices, and how much larger than usual their entries are: logits get a standard deviation of about two.
_HEADS = ("lm_head", "decoder", "classifier", "score", "qa_outputs", "seq_relationship", "out_proj")

BART_KIN = ("bart", "marian", "m2m_100")
_BART_GAINS = {"q_proj": 2.0, "k_proj": 2.0, "out_proj": 1.0, "fc2": 1.0}


def _embedding_std(model: nn.Module, name: str, weight: torch.Tensor) -> float:
    if "relative_attention_bias" in name:
        return 2.0
    if name.endswith("embed_positions") and model.config.model_type in BART_KIN:
        return 2.0
    if name.endswith(("wpe", "position_embeddings", "embed_positions")):  # strong, or else greedy sequences repeat one token
        return 1.0
    if name.endswith("token_type_embeddings"):
        return 0.3
    if model.config.model_type == "t5":
        return 0.5
    if model.config.model_type in BART_KIN and not model.config.tie_word_embeddings:
        return (1.0 if model.config.model_type == "bart" else 1.5) / (math.sqrt(weight.shape[1]) if model.config.scale_embedding else 1)
    # A tied embedding is the output matrix too.
    return 2.0 / math.sqrt(weight.shape[1])


def _norm_mean(model: nn.Module, name: str) -> float:
    # T5 divides the tied logits by sqrt(d_model); without a larger last norm they would all be alike. Small embeddings
    # and a large norm (rather than the reverse) keep a tied model from only repeating its input.
    if name.endswith("decoder.final_layer_norm") and getattr(model.config, "scale_decoder_outputs", False):
        return 4.0
    return 1.0


def _gain(model: nn.Module, name: str) -> float:
    leaf = name.rsplit(".", 1)[-1]
    if model.config.model_type == "t5" and leaf == "q":  # T5 does not divide the scores by sqrt(d_kv)
        return 3.0 / math.sqrt(model.config.d_kv)  # sharp attention keeps sequences from repeating one token
    if model.config.model_type in BART_KIN and leaf in _BART_GAINS:  # a decoder that heeds its own words most
        return _BART_GAINS[leaf] / (3 if "encoder_attn" in name else 1)
    if leaf in _HEADS or (model.config.model_type == "t5" and leaf in ("o", "wo")):
        return 2.0
    return 1.2
