"""The reference in true double precision.

`model.double()` is not enough for a yardstick. The reference computes some parts in float32 whatever the dtype of the
model: RMSNorm and attention softmax upcast "to float32", rotary angles are float32, losses begin with `logits.float()`.
In a double model those parts would round to 24 bits, and the error of an exact program would be measured against them.
So the double run goes through `TrueDouble`, which turns every request for float32 into one for float64, and through
`NoFloat32`, which refuses the run if a float32 value appears all the same.
"""

import contextlib
import copy

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class TrueDouble(TorchFunctionMode):
    paused = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if TrueDouble.paused:
            return function(*args, **kwargs)
        if function in (torch.rand, torch.Tensor.uniform_):  # in double they would draw other numbers
            return _drawn_in_float32(function, args, kwargs)
        if function is torch.Tensor.float:
            function = torch.Tensor.double
        return function(*map(_widen, args), **{name: _widen(value) for name, value in kwargs.items()})


class NoFloat32(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.dtype == torch.float32 and not TrueDouble.paused:
                raise AssertionError(f"{function} made a float32 tensor in the double run")
        return result


def _widen(value):
    return torch.float64 if value is torch.float32 else value


@contextlib.contextmanager
def true_double():
    """Within it every floating-point value is float64, new tensors included. Attention is computed as it is written down: the
    gradient of torch's fused kernel is wrong for a query whose keys are all hidden by a finite mask (Falcon's ALiBi)."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _integer_decisions_stay_float32(), sdpa_kernel(SDPBackend.MATH), TrueDouble(), NoFloat32():
            yield
    finally:
        torch.set_default_dtype(before)


def _integer_decisions() -> list[tuple[object, str]]:
    """Functions (their owner and name) that make integers from float32 numbers: buckets of relative positions, hidden patches.

    In double a position at the edge of a bucket could fall into the other one: that is another model and not a more
    exact one, so these functions keep their float32.
    """
    from transformers.models.deberta_v2 import modeling_deberta_v2
    from transformers.models.patchtsmixer import modeling_patchtsmixer
    from transformers.models.patchtst import modeling_patchtst
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder
    from transformers.models.t5.modeling_t5 import T5Attention

    return [
        (T5Attention, "_relative_position_bucket"),
        (MPNetEncoder, "relative_position_bucket"),
        (modeling_deberta_v2, "make_log_bucket_position"),
        (modeling_patchtsmixer, "random_masking"),
        (modeling_patchtsmixer, "forecast_masking"),
        (modeling_patchtst, "random_masking"),
        (modeling_patchtst, "forecast_masking"),
    ]


def _drawn_in_float32(function, args, kwargs) -> torch.Tensor:
    TrueDouble.paused = True
    try:
        if function is torch.rand:
            return function(*args, **(kwargs | {"dtype": torch.float32})).double()
        return args[0].copy_(torch.empty(args[0].shape, dtype=torch.float32).uniform_(*args[1:], **kwargs))
    finally:
        TrueDouble.paused = False


def _in_float32(function):
    def call(*args, **kwargs):
        before = torch.get_default_dtype()
        TrueDouble.paused = True
        torch.set_default_dtype(torch.float32)
        try:
            return function(*args, **kwargs)
        finally:
            TrueDouble.paused = False
            torch.set_default_dtype(before)

    return call


def _drawn_points() -> list[tuple[object, str]]:
    """Methods that draw points of masks and choose by float32 values there: which points, and which mask is meant for which object."""
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerHungarianMatcher, Mask2FormerLoss

    return [(Mask2FormerHungarianMatcher, "forward"), (Mask2FormerLoss, "sample_points_using_uncertainty")]


def _to(dtype: torch.dtype, value):
    return value.to(dtype) if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def _with_float32_inputs(method):
    """The method on narrowed tensors, its result widened again."""
    in_float32 = _in_float32(method)

    def call(self, *args, **kwargs):
        TrueDouble.paused = True
        narrow = lambda value: [_to(torch.float32, item) for item in value] if isinstance(value, list) else _to(torch.float32, value)  # noqa: E731
        args, kwargs = [narrow(value) for value in args], {name: narrow(value) for name, value in kwargs.items()}
        return _to(torch.float64, in_float32(self, *args, **kwargs))

    return call


@contextlib.contextmanager
def _integer_decisions_stay_float32():
    replaced = []
    for owner, name in _integer_decisions():
        function = getattr(owner, name)
        is_static = isinstance(owner, type)
        replaced.append((owner, name, staticmethod(function) if is_static else function))
        setattr(owner, name, staticmethod(_in_float32(function)) if is_static else _in_float32(function))
    for owner, name in _drawn_points():
        replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, _with_float32_inputs(getattr(owner, name)))
    try:
        yield
    finally:
        for owner, name, function in replaced:
            setattr(owner, name, function)


def double_copy(model: torch.nn.Module) -> torch.nn.Module:
    """The same weights in double, with buffers (rotary frequencies) that were computed in double and not widened."""
    config = copy.deepcopy(model.config)
    config.dtype = None  # or else it decides, and not the default dtype
    with true_double():
        built = type(model)._from_config(config, attn_implementation="eager")
    double = copy.deepcopy(model).double()
    for module, fresh in zip(double.modules(), built.modules()):
        for name, buffer in fresh.named_buffers(recurse=False):
            if name in fresh._non_persistent_buffers_set:  # the others are of the checkpoint
                setattr(module, name, buffer)
        # This path insists on float32 scores; in double it is plain attention with the scale applied earlier.
        if getattr(module, "reorder_and_upcast_attn", False):
            module.reorder_and_upcast_attn = False
    return double.eval()
