"""Runs the reference and writes a golden folder (the contract is in README.md)."""

import copy
import inspect
import json
import tempfile
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy
import torch
import transformers
from checkpoint import save
from configs import make_config
from fairness import error, failures, unfair
from fairness import error, unfair
from float64 import double_copy, true_double
from inputs import make_inputs
from multimodal_inputs import INPUTS as MULTIMODAL_INPUTS
from pixels import PixelMaker
from safetensors.torch import load_file, save_file
from transformers.utils import ModelOutput
from weights import randomise

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

TRAIN = {"optimizer": "AdamW", "steps": 10, "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}
GREEDY = {"max_new_tokens": 16, "do_sample": False}
# Not outputs of Imago; what balances experts is in the loss.
SKIPPED_OUTPUTS = ("past_key_values", "cache", "cache_params", "state", "aux_loss", "router_logits")


@dataclass
class Golden:
    """What to record. `inputs` are keywords of InputMaker (of PixelMaker for pictures), `runs` are named generations beside the greedy one."""

    model_type: str
    auto_class: str
    overrides: dict = field(default_factory=dict)
    seed: int = 0
    inputs: dict = field(default_factory=dict)
    attentions: bool = False
    gradients: int = 0  # bytes to spend on them
    gradients_of: str = ""  # parameters by a regular expression, where others' are sums that nearly cancel
    train: bool = False
    generate: dict | None = None
    runs: dict = field(default_factory=dict)
    checkpoint: str = "safetensors"  # see checkpoint.py
    config_edits: dict = field(default_factory=dict)  # keys written into config.json, or removed when None
    dtype: str = "float32"
    # Part of what `verify` allows that another order of summation may need. Other programs differ in more than that
    # order (exponentials, fused multiply-add), hence the room.
    margin: float | None = 0.7  # None takes any seed
    programs: int = 5  # how many others have to pass
    samples: int = 0  # of models that draw normal values: how many futures to record, with the numbers drawn
    # The reference's attention; None is its default, sdpa. Weights are only to be had from eager.
    attention: str | None = None
    folder: str | None = None  # the model's folder, where it is not its model type
    draws: bool = False  # the model draws numbers in every pass: torch's generator is seeded before each run
    training: bool = False  # all runs are as in training, with dropout


def write(golden: Golden, out: Path, attempts: int = 300) -> Golden:
    """Writes the folder and gives what it holds. An unusable seed is passed over for the next one."""
    for attempt in range(attempts):
        tried = replace(golden, seed=golden.seed + 100 * attempt)
        try:
            _write(tried, out)
            return tried
        except UnusableSeed as reason:
            last = reason
    raise SystemExit(f"{out}: no seed of {attempts} is usable: {last}")


def _write(golden: Golden, out: Path) -> None:
    torch.manual_seed(golden.seed)
    model = _build_and_save(golden, out)
    inputs = _inputs(golden, model)
    forward = _forward(golden)
    double = double_copy(model)
    if golden.draws or golden.training:
        model.drawing_seed = double.drawing_seed = golden.seed
    model.train(golden.training), double.train(golden.training)
    tensors = _named("inputs", inputs)
    tensors |= _prefixed("outputs.", _outputs(model, inputs, forward))
    with true_double():
        tensors |= _prefixed("f64.outputs.", _outputs(double, _double(inputs), forward))
    _check_spread(tensors)

    description = {
        "auto_class": golden.auto_class,
        "task": None,
        "reference": {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]},
        "forward": forward | ({"attn_implementation": attention} if (attention := _attention(golden)) else {}),
    }
    if golden.dtype != "float32":
        description["dtype"] = golden.dtype
    if golden.draws or golden.training:
        description["seed"] = golden.seed
    if golden.training:
        description["training"] = True
    if golden.generate is not None:
        tensors |= _all_sequences(golden, model, double, inputs, description)
    if golden.gradients:
        tensors |= _gradients(model, double, inputs, golden.gradients, golden.gradients_of)
    if golden.samples:
        tensors |= _sampled(model, double, inputs, golden.samples)
    if golden.train:
        description["train"] = TRAIN
        tensors["losses"] = _training_curve(model, inputs)
        with true_double():
            tensors["f64.losses"] = _training_curve(double, _double(inputs))
    _check_sense(golden, tensors)
    if golden.draws:
        _check_choices(tensors)
    if golden.dtype == "float32" and golden.margin is not None:
        _check_fairness(golden, model, inputs, tensors)
    save_file(
        {name: value.detach().clone().contiguous() for name, value in tensors.items()}, out / "golden.safetensors"
    )
    (out / "golden.json").write_text(json.dumps(description, indent=2) + "\n")


def _inputs(golden: Golden, model) -> dict:
    if maker := MULTIMODAL_INPUTS.get(golden.model_type):
        inputs = maker(model.config, golden.auto_class, torch.Generator().manual_seed(golden.seed + 1000), **golden.inputs)
    elif "pixel_values" in inspect.signature(model.forward).parameters:
        inputs = PixelMaker(model.config, golden.seed, **golden.inputs).make(golden.auto_class)
    else:
        inputs = make_inputs(model.config, golden.auto_class, golden.seed, **golden.inputs)
    return _cast(inputs, getattr(torch, golden.dtype))


def _build_and_save(golden: Golden, out: Path):
    """Random weights, saved to `out` and read back: the reference runs what the folder holds and nothing else."""
    config = make_config(golden.model_type, golden.overrides)
    auto_class = getattr(transformers, golden.auto_class)
    # A head without an auto class is named by its own.
    build = getattr(auto_class, "from_config", None) or auto_class._from_config
    model = build(config)
    if golden.checkpoint == "untied":
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    randomise(model, golden.seed)
    save(model.to(getattr(torch, golden.dtype)), golden.checkpoint, golden.config_edits, out)
    # Grouped products of experts are not to be had in float64.
    options = {"experts_implementation": "eager"} if hasattr(config, "num_experts_per_tok") else {}
    loaded_by = type(model) if golden.auto_class == "AutoBackbone" else auto_class  # it asks the Hub about a folder
    return loaded_by.from_pretrained(out, attn_implementation=_attention(golden), **options).eval()


def _attention(golden: Golden) -> str | None:
    return "eager" if golden.attentions else golden.attention


def _forward(golden: Golden) -> dict:
    return {"output_hidden_states": True} | ({"output_attentions": True} if golden.attentions else {})


def _run_again(golden: Golden, model, inputs: dict):
    """A function that gives every output, gradient and loss that was recorded in float32."""

    def run() -> dict[str, torch.Tensor]:
        values = _prefixed("outputs.", _outputs(model, inputs, _forward(golden)))
        if golden.gradients:
            values |= _prefixed("grads.", _backward(model, inputs))
        if golden.train:
            values["losses"] = _training_curve(model, inputs)
        return values

    return run


def _check_fairness(golden: Golden, model, inputs: dict, tensors: dict) -> None:
    if names := unfair(_run_again(golden, model, inputs), tensors, golden.margin, golden.programs):
        raise UnusableSeed(f"the reference was lucky in {', '.join(names)}")


def failing_programs(golden: Golden, out: Path, programs: int) -> dict[str, int]:
    """Of a golden that was written: the tensors in which other programs than the reference fail, and how many of them."""
    torch.manual_seed(golden.seed)
    with tempfile.TemporaryDirectory() as folder:
        model = _build_and_save(golden, Path(folder))
    if golden.draws:
        model.drawing_seed = golden.seed
    return failures(_run_again(golden, model, _inputs(golden, model)), load_file(out / "golden.safetensors"), programs)


def _double(inputs: dict) -> dict:
    return _cast(inputs, torch.float64)


def _cast(value, dtype: torch.dtype):
    if isinstance(value, dict):
        return {name: _cast(item, dtype) for name, item in value.items()}
    if isinstance(value, list):
        return [_cast(item, dtype) for item in value]
    return value.to(dtype) if value.is_floating_point() else value


def _named(name: str, value) -> dict[str, torch.Tensor]:
    """Tensors of nested lists and dictionaries under dotted names."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else None
    if items is None:
        return {name: value}
    return {path: tensor for key, item in items for path, tensor in _named(f"{name}.{key}", item).items()}


def _prefixed(prefix: str, tensors: dict) -> dict:
    return {prefix + name: value for name, value in tensors.items()}


def _outputs(model, inputs: dict, forward: dict) -> dict[str, torch.Tensor]:
    model = _fresh(model)
    with torch.no_grad():
        outputs = model(**inputs, **forward)
    return _flat(outputs) if not torch.is_tensor(outputs) else {"waveform": outputs}


def _flat(outputs) -> dict[str, torch.Tensor]:
    result = {}
    for name, value in outputs.items():
        if name in SKIPPED_OUTPUTS:
            continue
        result |= _prefixed(f"{name}.", _flat(value)) if isinstance(value, ModelOutput) else _named(name, value)
    return result


def _check_spread(tensors: dict) -> None:
    for name, value in tensors.items():
        if name.startswith("f64.outputs.") and "logits" in name and value.numel() > 16:
            value = value[value > -1e5]  # without those that a model rules out
            if not 0.3 < float(value.std()) < 8.0:
                raise UnusableSeed(f"{name} has a standard deviation of {float(value.std()):.3g}")


def _check_sense(golden: Golden, tensors: dict) -> None:
    """Float32 that is nowhere near float64 is no rounding, but another result: it would prove nothing, and allow anything."""
    for name, exact in tensors.items():
        value = tensors.get(name.removeprefix("f64."))
        if golden.dtype == "float32" and name.startswith("f64.") and exact.isfinite().all() and exact.any() and error(value, exact) > 0.05:
            raise UnusableSeed(f"the reference contradicts itself in {name}: an error of {error(value, exact):.3g}")


def _check_choices(tensors: dict) -> None:
    """What is drawn is chosen by float32 values: two that are nearly alike may be chosen otherwise in float64."""
    for name, exact in tensors.items():
        # Not gradients, of which small ones are sums that nearly cancel.
        if name.startswith("f64.") and "grads." not in name and error(tensors[name.removeprefix("f64.")], exact) > 1e-3:
            raise UnusableSeed(f"float32 and float64 chose differently: {name}")


def _rms(value: torch.Tensor) -> float:
    return float(value.double().pow(2).mean().sqrt())


def _gradients(model, double, inputs: dict, budget: int, pattern: str) -> dict[str, torch.Tensor]:
    """Gradients of the loss, of parameters whose names the pattern is found in, smallest first, until `budget` bytes are spent."""
    single = _backward(model, inputs)
    with true_double():
        exact = _backward(double, _double(inputs))
    # A key's bias cancels in the softmax: its gradient is zero but for rounding, and comparing noise proves nothing.
    floor = 1e-6 * max(map(_rms, exact.values()))
    result = {}
    for name, value in sorted(exact.items(), key=lambda item: (item[1].numel(), item[0])):
        if not re.search(pattern, name):
            continue
        size = 12 * value.numel()
        if _rms(value) > floor and size <= budget:
            budget -= size
            result[f"grads.{name}"], result[f"f64.grads.{name}"] = single[name], value
    return result


def _backward(model, inputs: dict) -> dict[str, torch.Tensor]:
    model = _fresh(model)
    model(**inputs).loss.backward()
    return _stored({name: p.grad for name, p in model.named_parameters() if p.grad is not None}, model.config)


def _stored(gradients: dict, config) -> dict:
    """Under the checkpoint's names where the reference takes a tensor apart as it reads it: DINOv2's gated network."""
    if config.model_type == "marian":  # its class freezes the sines that are its positions, and loading them unfreezes them
        return {name: value for name, value in gradients.items() if not name.endswith("embed_positions.weight")}
    if not getattr(config, "use_swiglu_ffn", False):
        return gradients
    result = {}
    for name, value in gradients.items():
        if ".mlp.up_proj." in name:
            continue
        if ".mlp.gate_proj." in name:
            value = torch.cat([value, gradients[name.replace("gate_proj", "up_proj")]])
        result[name.replace("gate_proj", "weights_in").replace("down_proj", "weights_out")] = value
    return result


def _sampled(model, double, inputs: dict, samples: int) -> dict[str, torch.Tensor]:
    """What the model draws of the future, where the standard normal numbers are `sampling.draws` [steps, rows, ...]."""
    past = {name: value for name, value in inputs.items() if name not in ("future_values", "future_observed_mask")}
    generator, draws = torch.Generator().manual_seed(5), []
    sequences = _futures(model, past, samples, lambda shape: draws.append(torch.randn(shape, generator=generator)) or draws[-1])
    again = iter(draws)
    with true_double():
        exact = _futures(double, _double(past), samples, lambda _: next(again).double())
    return {"sampling.draws": torch.stack(draws), "sampling.sequences": sequences, "f64.sampling.sequences": exact}


def _futures(model, past: dict, samples: int, draw) -> torch.Tensor:
    model, original = _fresh(model), torch.normal
    model.config.num_parallel_samples = model.num_parallel_samples = samples
    torch.normal = lambda mean, std: mean + std * draw(mean.shape)
    try:
        return model.generate(**past).sequences
    finally:
        torch.normal = original


def _fresh(model):
    """A copy, so that what a run leaves in the model (the longest sequence, a state) does not reach the next one. Some
    draw numbers even outside of training: the same ones in every run."""
    torch.manual_seed(getattr(model, "drawing_seed", 0))
    numpy.random.seed(getattr(model, "drawing_seed", 0))
    return copy.deepcopy(model)


def _training_curve(model, inputs: dict) -> torch.Tensor:
    """Losses before each step; one batch, one parameter group, no clipping, no schedule."""
    model = _fresh(model)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=TRAIN["lr"],
        betas=tuple(TRAIN["betas"]),
        eps=TRAIN["eps"],
        weight_decay=TRAIN["weight_decay"],
        foreach=False,
    )
    losses = []
    for _ in range(TRAIN["steps"]):
        optimizer.zero_grad()
        loss = model(**inputs).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def _all_sequences(golden: Golden, model, double, inputs: dict, description: dict) -> dict[str, torch.Tensor]:
    greedy = _generate(model, double, inputs, golden.generate)
    generated = greedy if model.config.is_encoder_decoder else greedy[:, inputs["input_ids"].shape[1] :]
    if sum(len(set(row)) for row in generated.tolist()) < 5 * len(generated):
        raise UnusableSeed("a sequence that repeats itself would hide a wrong cache or position")
    runs = copy.deepcopy(golden.runs)
    for options in runs.values():
        if options.get("eos_token_id") == "from greedy":  # end each row where the greedy sequence had one of these ids
            options["eos_token_id"] = sorted({int(greedy[0, -4]), int(greedy[-1, -8])})
    description["generate"] = golden.generate
    if runs:
        description["generate_runs"] = runs
    sequences = {
        f"generate.{name}.sequences": _generate(model, double, inputs, options) for name, options in runs.items()
    }
    return {"generate.sequences": greedy} | sequences


def _generate(model, double, inputs: dict, options: dict) -> torch.Tensor:
    if model.config.model_type in MULTIMODAL_INPUTS:
        prompt = {name: value for name, value in inputs.items() if name != "labels"}
    else:
        prompt = {name: inputs[name] for name in ("input_ids", "attention_mask") if name in inputs}
    sequences = copy.deepcopy(model).generate(**prompt, **options)
    with true_double():
        exact = copy.deepcopy(double).generate(**_double(prompt), **options)
    if not torch.equal(sequences, exact):
        # Two tokens were so close that float32 could not tell: such a sequence would test luck. Another seed will do.
        raise UnusableSeed(f"float32 and float64 disagree with {options}")
    return sequences


class UnusableSeed(Exception):
    """Another seed has to be taken."""


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
