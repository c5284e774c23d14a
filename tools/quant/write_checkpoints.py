#!/usr/bin/env python3
"""Writes src/imago/io/testdata/quantized/<case>/: the tensors of a layer as a quantization method of the Hub stores
them, `config.json` with its quantization_config, and in expected.safetensors the weight that they stand for: by
bitsandbytes where it is that package's method, else by the arithmetic below; and the `source` that a package made
them of.

Usage: write_checkpoints.py   (with torch, transformers, safetensors, bitsandbytes and compressed-tensors)
"""

import json
import os
import pathlib
from types import SimpleNamespace

os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")  # what the reference's functions compute needs no compiler
import bitsandbytes.functional as bnb
import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp
from safetensors.torch import save_file
from transformers import FineGrainedFP8Config
from transformers.integrations.bitnet import AutoBitLinear, BitLinear, pack_weights
from transformers.integrations.finegrained_fp8 import Fp8Quantize

ROOT = pathlib.Path(__file__).resolve().parents[2] / "src" / "imago" / "io" / "testdata" / "quantized"
LAYER = "model.layers.0.mlp.up_proj"
OUT, IN, GROUP = 16, 256, 64


def write(case, config, tensors, expected, source=None, more=None):
    folder = ROOT / case
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{LAYER}.{name}": tensor.contiguous() for name, tensor in tensors.items()}
    tensors["model.norm.weight"] = torch.ones(4)
    save_file(tensors, folder / "model.safetensors")
    wanted = {"weight": expected.contiguous()} | ({} if source is None else {"source": source}) | (more or {})
    save_file(wanted, folder / "expected.safetensors")
    (folder / "config.json").write_text(json.dumps({"quantization_config": config}, indent=2) + "\n")


def four_bits(case, kind, dtype, nested):
    weight = (torch.randn(OUT, IN) * 0.05).to(dtype)
    codes, state = bnb.quantize_4bit(weight, quant_type=kind, compress_statistics=nested)
    parts = {f"weight.{name}": tensor for name, tensor in state.as_dict(packed=True).items()}
    config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": kind,
              "bnb_4bit_use_double_quant": nested}
    write(case, config, {"weight": codes, **parts}, bnb.dequantize_4bit(codes, state), weight)


def int8():
    weight = (torch.randn(OUT, IN) * 0.05).half()
    codes, largest, _ = bnb.int8_vectorwise_quant(weight.clone())
    tensors = {"weight": codes, "SCB": largest, "weight_format": torch.tensor(0, dtype=torch.uint8)}
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    write("int8", config, tensors, bnb.int8_vectorwise_dequant(codes, largest), weight)


def words(values, bits=4):
    """Values along the last dimension to words, the first in the lowest bits."""
    stream = (values.long().unsqueeze(-1) >> torch.arange(bits) & 1).reshape(*values.shape[:-1], -1, 32)
    packed = (stream << torch.arange(32)).sum(-1)
    return (packed - ((packed >> 31) << 32)).to(torch.int32)


def groups_of(bits, out=OUT):
    q = torch.randint(0, 2**bits, (IN, out))
    zeros = torch.randint(0, 2**bits - 1, (IN // GROUP, out))
    scales = (torch.rand(IN // GROUP, out) * 0.02).half()
    return q, zeros, scales


def gptq(case, version, scattered, bits=4, out=OUT):
    q, zeros, scales = groups_of(bits, out)
    zeros += 1
    group = torch.arange(IN, dtype=torch.int32) // GROUP
    if scattered:
        group = group[torch.randperm(IN)]
    stored = zeros - 1 if version == "gptq" else zeros & (2**bits - 1)
    zeros = zeros if version == "gptq" else stored
    tensors = {"qweight": words(q.T, bits).T, "qzeros": words(stored, bits), "scales": scales, "g_idx": group}
    config = {"quant_method": "gptq", "bits": bits, "group_size": GROUP, "desc_act": scattered,
              "checkpoint_format": version}
    write(case, config, tensors, (scales[group.long()].float() * (q - zeros[group.long()]).float()).T)


def awq():
    q, zeros, scales = groups_of(4)
    interleave = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])  # the output in each nibble of a word
    packed = lambda values: words(values.reshape(len(values), -1, 8)[:, :, interleave].reshape(len(values), -1))
    config = {"quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm"}
    expected = scales.float().repeat_interleave(GROUP, 0) * (q - zeros.repeat_interleave(GROUP, 0)).float()
    write("awq", config, {"qweight": packed(q), "qzeros": packed(zeros), "scales": scales}, expected.T)


def fp8(case, rows, columns):
    codes = (torch.randn(24, 200) * 50).clamp(-448, 448).to(torch.float8_e4m3fn)
    scales = torch.rand(-(-24 // rows), -(-200 // columns)) * 0.01
    wide = scales.repeat_interleave(rows, 0)[:24].repeat_interleave(columns, 1)[:, :200]
    config = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [rows, columns]}
    write(case, config, {"weight": codes, "weight_scale_inv": scales}, codes.float() * wide)


def fp8_made():
    """By the reference's own quantizer."""
    weight = (torch.randn(128, 256) * 0.05).bfloat16()
    config = FineGrainedFP8Config()
    made = Fp8Quantize(SimpleNamespace(quantization_config=config))._quantize_one("weight", weight)
    wide = made["weight_scale_inv"].repeat_interleave(128, 0).repeat_interleave(128, 1)
    write("fp8_made", {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}, made,
          made["weight"].float() * wide, weight)


def compressed(case, bits, groups, zeros):
    """Packed by the package itself; values are signed there."""
    half = 2**(bits - 1)
    q = torch.randint(-half, half, (OUT, IN), dtype=torch.int8)
    scales = (torch.rand(OUT, groups) * 0.02).half()
    points = torch.randint(-half, half, (OUT, groups), dtype=torch.int8)
    tensors = {"weight_packed": pack_to_int32(q, bits), "weight_scale": scales,
               "weight_shape": torch.tensor([OUT, IN])}
    if zeros:
        tensors["weight_zero_point"] = pack_to_int32(points, bits, packed_dim=0)
    wide = lambda values: values.float().repeat_interleave(IN // groups, 1)
    weights = {"num_bits": bits, "type": "int", "symmetric": not zeros, "strategy": "group", "group_size": IN // groups}
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed",
              "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    write(case, config, tensors, wide(scales) * (q.float() - (wide(points) if zeros else 0)))


def scaled(case, kind, codes, scales, activations=None):
    weights = {"num_bits": 8, "type": kind, "symmetric": True, "strategy": "channel"}
    config = {"quant_method": "compressed-tensors", "format": f"{kind}-quantized",
              "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights,
                                            "input_activations": activations}}}
    write(case, config, {"weight": codes, "weight_scale": scales}, codes.float() * scales.float(),
          more=activations and rounded_products(codes, scales, activations))


def rounded_products(codes, scales, activations):
    """Of x as the package rounds it, in float and in double; the second row of x is zeros, the third has an outlier."""
    arguments = QuantizationArgs(**activations)
    x = torch.randn(2, 7, codes.shape[1])
    x[0, 1] = 0
    x[0, 2, 5] = 40
    outputs = {"x": x}
    for name, dtype in (("y", torch.float32), ("f64.y", torch.float64)):
        scale, zero = compute_dynamic_scales_and_zp(x, arguments, None)
        rounded = (fake_quantize(x, scale, zero, arguments) / scale).round().to(dtype) * scale.to(dtype)
        outputs[name] = torch.nn.functional.linear(rounded, codes.to(dtype) * scales.to(dtype))
    return outputs


def bitnet(kind):
    """By the reference's own layers, whose bias it applies before or after the scale, as the class has it."""
    ternary = torch.randint(-1, 2, (OUT, IN)).float()
    packed = pack_weights(ternary.clone())
    scale, bias, x = torch.rand(1) * 0.1 + 0.5, torch.randn(OUT), torch.randn(2, 5, IN)
    x[0, 1] = 0
    more = {"x": x, "bias": bias}
    for name, dtype in (("y", torch.float32), ("f64.y", torch.float64)):
        layer = {"bitlinear": BitLinear, "autobitlinear": AutoBitLinear}[kind](IN, OUT, True, dtype=dtype)
        layer.weight = torch.nn.Parameter(packed if kind == "bitlinear" else ternary.to(dtype), requires_grad=False)
        layer.weight_scale, layer.bias = scale.to(dtype), torch.nn.Parameter(bias.to(dtype), requires_grad=False)
        with torch.no_grad():
            more[name] = in_double(layer, x) if dtype == torch.float64 and kind == "autobitlinear" else layer(x.to(dtype))
    expected = ternary / scale if kind == "bitlinear" else ternary * scale
    write(kind, {"quant_method": "bitnet", "linear_class": kind, "quantization_mode": "offline",
                 "modules_to_not_convert": ["lm_head"]},
          {"weight": packed, "weight_scale": scale}, expected, more=more)


def in_double(layer, x):
    """AutoBitLinear rounds activations in float32 whatever they are: the same integers, in double from there."""
    scale = 127 / x.abs().max(dim=-1, keepdim=True).values.clamp_(min=1e-5)
    integers = (x * scale).round().clamp(-128, 127).double()
    return torch.nn.functional.linear(integers / scale.double(), layer.weight, layer.bias) * layer.weight_scale


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    four_bits("nf4", "nf4", torch.float32, False)
    four_bits("nf4_nested", "nf4", torch.float32, True)
    four_bits("nf4_bfloat16", "nf4", torch.bfloat16, True)
    four_bits("fp4", "fp4", torch.float32, False)
    int8()
    gptq("gptq", "gptq", False)
    gptq("gptq_v2", "gptq_v2", False)
    gptq("gptq_act_order", "gptq", True)
    awq()
    fp8("fp8", 16, 128)
    fp8_made()
    gptq("gptq_2", "gptq", False, 2)
    gptq("gptq_3", "gptq", True, 3, 32)
    gptq("gptq_8", "gptq_v2", False, 8)
    compressed("packed_4", 4, IN // GROUP, False)
    compressed("packed_4_zeros", 4, IN // GROUP, True)
    compressed("packed_8_channel", 8, 1, False)
    scaled("scaled_int8", "int", torch.randint(-127, 128, (OUT, IN), dtype=torch.int8), torch.rand(OUT, 1) * 0.01)
    scaled("scaled_fp8", "float", (torch.randn(OUT, IN) * 50).clamp(-448, 448).to(torch.float8_e4m3fn),
           torch.rand(1) * 0.01)
    scaled("w8a8", "int", torch.randint(-127, 128, (OUT, IN), dtype=torch.int8), torch.rand(OUT, 1) * 0.01,
           {"num_bits": 8, "type": "int", "symmetric": True, "dynamic": True, "strategy": "token"})
    bitnet("bitlinear")
    bitnet("autobitlinear")


if __name__ == "__main__":
    main()
