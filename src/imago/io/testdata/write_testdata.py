"""Writes the files of this folder with the reference packages (torch, safetensors, transformers)."""

import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import PretrainedConfig, PreTrainedModel

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)


def values(shape, dtype):
    count = int(torch.tensor(shape).prod()) if shape else 1
    return (torch.arange(count) % 120).reshape(shape).to(dtype)


def write_safetensors():
    dtypes = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool float8_e4m3fn float8_e5m2".split()
    tensors = {f"b.{name}": values([2, 3], getattr(torch, name)) for name in dtypes}
    tensors |= {f"a.{name}": values([5], getattr(torch, name)) for name in dtypes}
    save_file(tensors, FOLDER / "dtypes.safetensors", metadata={"format": "pt"})

    odd = {
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(1.5),
        "é \"quoted\" \\ / \u2028 \x7f": values([2], torch.int64),
        "tab\t newline\n bell\a": values([3], torch.bfloat16),
        "z": values([1, 2, 1, 3], torch.float32),
    }
    save_file(odd, FOLDER / "odd_names.safetensors", metadata={"one": "1", "é\n": "\b\f\t", "": ""})
    save_file({"weight": values([3], torch.uint8)}, FOLDER / "no_metadata.safetensors")
    save_file({}, FOLDER / "no_tensors.safetensors")


def write_pytorch():
    dtypes = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool float8_e4m3fn float8_e5m2".split()
    every = OrderedDict((name, values([2, 3], getattr(torch, name))) for name in dtypes)
    torch.save(every, FOLDER / "dtypes.bin")

    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(values(list(parameter.shape), torch.float32) + i)
    state = module.state_dict()  # carries the attribute _metadata
    torch.save(state, FOLDER / "module.bin")
    torch.save(state, FOLDER / "module_protocol4.bin", pickle_protocol=4)
    torch.save(state, FOLDER / "module_legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(state, FOLDER / "module_legacy_protocol4.bin", _use_new_zipfile_serialization=False, pickle_protocol=4)

    base = values([4, 3], torch.float32)
    views = {
        "base": base,
        "transposed": base.t(),
        "row": base[2],
        "column": base[:, 1],
        "scalar": base[3, 2],
        "parameter": torch.nn.Parameter(base),
        "empty": torch.zeros(0, 4),
    }
    torch.save(views, FOLDER / "views.bin")
    torch.save(views, FOLDER / "views_legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"expanded": torch.zeros(1).expand(1000)}, FOLDER / "expanded.bin")
    torch.save({"uint16": values([2], torch.uint16)}, FOLDER / "uint16.bin")
    torch.save({"epoch": 3, "state_dict": {"w": base}}, FOLDER / "nested.bin")
    torch.save([base], FOLDER / "list.bin")


class Sharded(PreTrainedModel):
    """Tensors of 40, 8, 400, 8, 40 and 2 bytes, saved in shards of at most 60 bytes."""

    config_class = PretrainedConfig

    def __init__(self, config):
        super().__init__(config)
        self.unsaved = torch.nn.Parameter(torch.zeros(1))  # a model without parameters has no dtype
        self.tensors = {
            "embed.weight": values([10], torch.float32),
            "a.bias": values([2], torch.float32),
            "huge": values([100], torch.float32),
            "b.bias": values([1], torch.int64),
            "head.weight": values([20], torch.bfloat16),
            "z": torch.zeros(2, dtype=torch.uint8),
        }

    def state_dict(self, *args, **kwargs):
        return dict(self.tensors)

    def num_parameters(self, *args, **kwargs):
        return sum(tensor.numel() for tensor in self.tensors.values())


def write_sharded():
    Sharded(PretrainedConfig()).save_pretrained(FOLDER / "sharded", max_shard_size=60)
    for name in ("config.json", "generation_config.json"):
        (FOLDER / "sharded" / name).unlink(missing_ok=True)


if __name__ == "__main__":
    write_safetensors()
    write_sharded()
    write_pytorch()
