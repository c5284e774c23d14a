"""Saves a checkpoint in one of the layouts that the Hub has."""

import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def save(model, layout: str, config_edits: dict, out: Path) -> None:
    """Layouts: safetensors, sharded, bin, untied, unprefixed, legacy_names, mxfp4, fp8, vision_model. What `out` held before is removed."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    if layout in ("safetensors", "sharded"):
        model.save_pretrained(out, **({"max_shard_size": "40KB"} if layout == "sharded" else {}))
    else:
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(out)
        if model.can_generate():
            model.generation_config.save_pretrained(out)
        if layout == "bin":  # the reference no longer writes it
            torch.save(_hub_state(model), out / "pytorch_model.bin")
        else:
            save_file(_LAYOUTS[layout](model), out / "model.safetensors", metadata={"format": "pt"})
    if config_edits:
        _edit(out / "config.json", config_edits)


def _hub_state(model):
    """The weights by their names on the Hub, tied ones under each of theirs, as the reference used to write them."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        state = load_file(Path(folder) / "model.safetensors")
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    return state | {name: tensor for name, tensor in model.state_dict().items() if name in tied and name not in state}


def _untied(model) -> dict:
    """T5 v1.1: an output matrix of its own, though the reference's class says that it is tied."""
    return {name: value for name, value in model.state_dict().items() if not name.endswith("coder.embed_tokens.weight")}


def _unprefixed(model) -> dict:
    """The first GPT-2 checkpoints: names of the base model, for a model with a head."""
    return dict(model.base_model.state_dict())


def _legacy_names(model) -> dict:
    """The first BERT checkpoints: LayerNorm.gamma and LayerNorm.beta."""
    renamed = {}
    for name, value in model.state_dict().items():
        renamed[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = value
    if model.config.tie_word_embeddings:
        renamed.pop("cls.predictions.decoder.weight"), renamed.pop("cls.predictions.decoder.bias")
    return renamed


def _mxfp4(model) -> dict:
    """Experts in blocks of 4-bit floats and scales."""
    tensors = dict(model.state_dict())
    for name in [name for name in tensors if name.endswith(("gate_up_proj", "down_proj"))]:
        blocks, scales = _to_mxfp4(tensors.pop(name).transpose(1, 2))
        tensors |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
    return tensors


def _to_mxfp4(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    table = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])
    groups = weight.reshape(*weight.shape[:-1], -1, 32)
    exponents = groups.abs().amax(-1).log2().floor() - 2
    codes = (groups / exponents.exp2()[..., None])[..., None].sub(table).abs().argmin(-1)
    return (codes[..., ::2] | codes[..., 1::2] << 4).to(torch.uint8), (exponents + 127).to(torch.uint8)


def _fp8(model) -> dict:
    """Linear layers in 8-bit floats with a scale per tile of 128 by 128, as DeepSeek-V3 is published."""
    tensors = _hub_state(model)
    for name in [name for name in tensors if name.endswith(("_proj.weight", "kv_a_proj_with_mqa.weight"))]:
        weight = tensors[name]
        rows, columns = (-(-size // 128) for size in weight.shape)
        tiles = [[weight[128 * i : 128 * (i + 1), 128 * j : 128 * (j + 1)] for j in range(columns)] for i in range(rows)]
        scales = torch.tensor([[float(tile.abs().max()) / 448 for tile in row] for row in tiles])
        codes = [torch.cat([tile / scale for tile, scale in zip(*row)], 1) for row in zip(tiles, scales)]
        tensors |= {name: torch.cat(codes).to(torch.float8_e4m3fn), f"{name}_scale_inv": scales}
    return tensors


def _vision_model(model) -> dict:
    """LLaVA on the Hub: a vision tower with a level more, and the whole language model in one place."""
    places = {
        "model.language_model.": "language_model.model.",
        "lm_head.": "language_model.lm_head.",
        "model.vision_tower.": "vision_tower.vision_model.",
        "model.multi_modal_projector.": "multi_modal_projector.",
    }
    prefix = lambda name: next(place for place in places if name.startswith(place))  # noqa: E731
    return {places[prefix(name)] + name.removeprefix(prefix(name)): value for name, value in model.state_dict().items()}


_LAYOUTS = {"untied": _untied, "unprefixed": _unprefixed, "legacy_names": _legacy_names, "mxfp4": _mxfp4, "fp8": _fp8, "vision_model": _vision_model}


def _edit(path: Path, edits: dict) -> None:
    config = json.loads(path.read_text()) | edits
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}, indent=2) + "\n")
