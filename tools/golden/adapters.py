#!/usr/bin/env python3
"""Writes goldens of adapters: python adapters.py src/imago

Each case is an adapter folder as PEFT's save_pretrained writes it, on the model of a golden folder that is there already, whose
inputs it takes. Beside it lie golden.json ({"base": ..., "auto_class": ...}) and golden.safetensors, as of models: outputs.logits,
outputs.loss, grads.<tensor of the adapter>, losses of ten steps, merged.logits, each with its f64. twin.
"""

import copy
import json
import sys
import warnings
from pathlib import Path

import bitsandbytes
import torch
import transformers
from fairness import unfair
from float64 import double_copy, true_double
from peft import IA3Config, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
warnings.filterwarnings("ignore")

STEPS, LEARNING_RATE, MARGIN = 10, 1e-2, 0.7  # the margin is that of record.py
LLAMA, GPT2, BERT, T5 = "models/llama/golden/", "models/gpt2/golden/", "models/bert/golden/", "models/t5/golden/"
CASES = {
    "lora": (LLAMA + "causal_lm", LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")),
    "lora_rank_2": (LLAMA + "causal_lm", LoraConfig(r=2, lora_alpha=3, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")),
    "lora_patterns": (LLAMA + "causal_lm", LoraConfig(
        r=3, lora_alpha=5, use_rslora=True, target_modules=r".*\.(q_proj|down_proj)", exclude_modules=["layers.0.mlp.down_proj"],
        rank_pattern={"layers.1.self_attn.q_proj": 2}, alpha_pattern={"down_proj": 9}, task_type="CAUSAL_LM")),
    "lora_layers": (LLAMA + "causal_lm", LoraConfig(r=2, target_modules=["k_proj", "o_proj"], layers_to_transform=[1],
                                                    layers_pattern="layers", task_type="CAUSAL_LM")),
    "dora": (LLAMA + "causal_lm", LoraConfig(r=2, use_dora=True, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM")),
    "lora_embedding": (LLAMA + "tied", LoraConfig(r=2, target_modules=["embed_tokens", "v_proj"], task_type="CAUSAL_LM")),
    "dora_embedding": (LLAMA + "tied", LoraConfig(r=2, use_dora=True, target_modules=["embed_tokens"], task_type="CAUSAL_LM")),
    "gpt2_all_linear": (GPT2 + "causal_lm", LoraConfig(r=2, target_modules="all-linear", bias="all", task_type="CAUSAL_LM")),
    "gpt2_dora": (GPT2 + "causal_lm", LoraConfig(r=2, use_dora=True, target_modules=["c_attn"], task_type="CAUSAL_LM")),
    "bert_classifier": (BERT + "sequence_classification", LoraConfig(r=3, target_modules=["query", "value"], bias="lora_only",
                                                                     task_type="SEQ_CLS")),
    "bert_lora_bias": (BERT + "masked_lm", LoraConfig(r=2, target_modules=["query"], lora_bias=True)),
    "t5": (T5 + "seq2seq_lm", LoraConfig(r=2, target_modules=["q", "v", "wo"], modules_to_save=["lm_head"], task_type="SEQ_2_SEQ_LM")),
    "ia3": (LLAMA + "causal_lm", IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"],
                                           task_type="CAUSAL_LM")),
    "ia3_gpt2": (GPT2 + "causal_lm", IA3Config(target_modules=["c_attn", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"],
                                               task_type="CAUSAL_LM")),
}


def trained(model):
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def saved_name(name):
    name = name.replace(".modules_to_save.default", "").replace(".default", "")
    return name[: -len(".weight")] if name.endswith("lora_magnitude_vector.weight") else name


def forward(model, inputs):
    outputs = model(**inputs)
    return {"outputs.logits": outputs.logits.detach(), "outputs.loss": outputs.loss.detach()}


def gradients(model, inputs):
    model = copy.deepcopy(model)
    model(**inputs).loss.backward()
    return {f"grads.{saved_name(name)}": parameter.grad for name, parameter in trained(model).items() if parameter.grad is not None}


def trained_losses(model, inputs):
    """The loss before each of the steps, which change the model."""
    optimizer = torch.optim.AdamW(list(trained(model).values()), lr=LEARNING_RATE, weight_decay=0.01, foreach=False)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(**inputs).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return {"losses": torch.stack(losses)}


def curve(model, inputs):
    return trained_losses(copy.deepcopy(model), inputs)


def merged(model, inputs):
    return {"merged.logits": copy.deepcopy(model).merge_and_unload()(**inputs).logits.detach()}


def record(model, inputs):
    # A model's own attention caches nothing here; each run has a copy of its own.
    tensors = forward(copy.deepcopy(model), inputs) | gradients(model, inputs) | curve(model, inputs)
    tied = model.config.tie_word_embeddings and "embed_tokens" in model.peft_config["default"].target_modules
    return tensors if tied else tensors | merged(model, inputs)  # merging changes the output layer, too, and gives another model


def double_twin(model, base, config):
    """The adapter on the base model in true double precision."""
    double = get_peft_model(double_copy(base), config)
    double.load_state_dict({name: value.double() for name, value in model.state_dict().items()})
    return double.double().eval()


def with_twins(model, double, inputs):
    tensors = record(model, inputs)
    with true_double():
        exact = record(double, {name: value.double() if value.is_floating_point() else value for name, value in inputs.items()})
    return tensors | {f"f64.{name}": value for name, value in exact.items()}


def base_model(root, base):
    auto_class = json.loads((root / base / "golden.json").read_text())["auto_class"]
    return auto_class, getattr(transformers, auto_class).from_pretrained(root / base, dtype=torch.float32)


def base_inputs(root, base):
    tensors = load_file(root / base / "golden.safetensors")
    return {name[len("inputs."):]: value for name, value in tensors.items() if name.startswith("inputs.")}


def randomise(model, seed):
    """Nothing stays zero; magnitudes and factors of IA3 stay near what they begin with."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in trained(model).items():
        noise = torch.randn(parameter.shape, generator=generator) * (0.06 if "magnitude" in name or "ia3" in name else 0.2)
        with torch.no_grad():
            parameter.copy_(noise if "lora_" in name and "magnitude" not in name else parameter + noise)


def save(out, model, base, auto_class, tensors):
    model.peft_config["default"].base_model_name_or_path = None
    model.save_pretrained(out)
    (out / "README.md").unlink()
    saved = json.loads((out / "adapter_config.json").read_text())
    saved["base_model_name_or_path"] = base  # PEFT writes where the base lay on this machine
    (out / "adapter_config.json").write_text(json.dumps(saved, indent=2) + "\n")
    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, out / "golden.safetensors")
    (out / "golden.json").write_text(json.dumps({"base": base, "auto_class": auto_class, "lr": LEARNING_RATE}, indent=2) + "\n")


def several(root, folder):
    """Two adapters at once, and combined."""
    base = LLAMA + "causal_lm"
    inputs = base_inputs(root, base)
    _, model = base_model(root, base)
    double = double_copy(model)

    def load(model):
        peft = PeftModel.from_pretrained(model, folder / "lora", adapter_name="lora")
        peft.load_adapter(folder / "lora_rank_2", adapter_name="rank_2")
        return peft

    def run(peft):
        tensors = {}
        peft.base_model.set_adapter(["lora", "rank_2"])
        tensors["both.logits"] = peft(**inputs).logits
        peft.add_weighted_adapter(["lora", "rank_2"], [0.7, -0.4], "cat", combination_type="cat")
        peft.set_adapter("cat")
        tensors["cat.logits"] = peft(**inputs).logits
        peft.add_weighted_adapter(["lora"], [0.6], "linear", combination_type="linear")
        peft.set_adapter("linear")
        tensors["linear.logits"] = peft(**inputs).logits
        return tensors

    tensors = run(load(model))
    wide = load(double).double()
    with true_double():
        tensors |= {f"f64.{name}": value for name, value in run(wide).items()}
    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, folder / "several.safetensors")


def dequantized(model):
    """The same numbers in plain linear layers."""
    for name, module in list(model.named_modules()):
        for child, layer in list(module.named_children()):
            if not isinstance(layer, bitsandbytes.nn.Linear4bit):
                continue
            plain = torch.nn.Linear(layer.in_features, layer.out_features, bias=False)
            plain.weight = torch.nn.Parameter(bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state),
                                              requires_grad=False)
            setattr(module, child, plain)
    return model


def qlora(root, folder):
    """On weights in NF4, in a base of its own. Rows are of whole blocks of 64 numbers, as bitsandbytes' CPU code needs them; in training
    it multiplies by what it decodes, which the double twin has as it is."""
    base = "peft/nf4_base"
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    torch.manual_seed(5)
    small = LlamaConfig(vocab_size=48, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                        num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.08, tie_word_embeddings=True)
    LlamaForCausalLM(small).save_pretrained(root / base)
    scheme = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    quantized = LlamaForCausalLM.from_pretrained(root / base, quantization_config=scheme, dtype=torch.float32, device_map="cpu")
    quantized.save_pretrained(root / base)
    (root / base / "generation_config.json").unlink(missing_ok=True)
    load = lambda: LlamaForCausalLM.from_pretrained(root / base, dtype=torch.float32)
    ids = torch.randint(1, 48, (2, 9))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}

    def measure(model):
        # Copies of quantized weights share what describes them, which evaluation rewrites: all in training mode, without dropout.
        tensors = forward(model, inputs)
        model(**inputs).loss.backward()
        tensors |= {f"grads.{saved_name(name)}": parameter.grad.clone() for name, parameter in trained(model).items()}
        return tensors | trained_losses(model, inputs)

    seed = 0
    while True:
        model = get_peft_model(load(), copy.deepcopy(config)).train()
        randomise(model, seed)
        values = {name: parameter.detach().clone() for name, parameter in trained(model).items()}

        def fresh(base_model):
            peft = get_peft_model(base_model, copy.deepcopy(config)).train()
            with torch.no_grad():
                for name, parameter in trained(peft).items():
                    parameter.copy_(values[name])
            return peft

        tensors = measure(fresh(load()))
        double = fresh(double_copy(dequantized(load()))).double()
        with true_double():
            exact = measure(double)
        tensors |= {f"f64.{name}": value for name, value in exact.items()}
        if not unfair(lambda: measure(fresh(load())), tensors, MARGIN):
            break
        seed += 100
    tensors |= {f"inputs.{name}": value for name, value in inputs.items()}
    save(folder / "qlora", model, base, "AutoModelForCausalLM", tensors)


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    folder = root / "peft" / "golden"
    for seed, (name, (base, config)) in enumerate(CASES.items()):
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        auto_class, model = base_model(root, base)
        original = copy.deepcopy(model)
        inputs = base_inputs(root, base)
        model = get_peft_model(model, copy.deepcopy(config)).eval()
        while True:
            randomise(model, seed)
            tensors = with_twins(model, double_twin(model, original, copy.deepcopy(config)), inputs)
            names = unfair(lambda: record(model, inputs), tensors, MARGIN)
            if not names:
                break
            seed += 100  # the reference was lucky in these
        save(folder / name, model, base, auto_class, tensors)
        print(name, sum(path.stat().st_size for path in (folder / name).iterdir()) // 1024, "KB")
    if not sys.argv[2:]:
        several(root, folder)
    if not sys.argv[2:] or "qlora" in sys.argv[2:]:
        qlora(root, folder)


if __name__ == "__main__":
    main()
