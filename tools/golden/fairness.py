"""Is a golden fair? An honest float32 program has to be able to pass it.

`verify` allows twice the reference's own error against float64. Rounding errors are random: now and then the reference
is lucky in one tensor, and then a program that adds the same numbers in another order fails. So the reference itself is run
again with its matrix products summed in pieces and its functions off by a rounding; where such a run would not pass, another
seed has to be taken.
"""

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode


_PRODUCTS = {torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm}
_FUNCTIONS = {
    *(functional.softmax, torch.softmax, torch.Tensor.softmax, functional.silu, functional.gelu),
    *(torch.sigmoid, torch.Tensor.sigmoid, torch.exp, torch.Tensor.exp, torch.tanh, torch.Tensor.tanh),
    *(torch.rsqrt, torch.Tensor.rsqrt, functional.layer_norm),
}


class AnotherProgram(TorchFunctionMode):
    """Matrix products as sums of products over `piece` columns each; functions whose last bit another library rounds otherwise."""

    def __init__(self, piece: int, seed: int | None = None):
        super().__init__()
        self.piece = piece
        self.generator = torch.Generator().manual_seed(piece if seed is None else seed)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            if function is functional.linear and len(args) == 3 and args[2] is not None:
                return self._matmul(args[0], args[1].mT) + args[2]
            if function is functional.linear:
                return self._matmul(args[0], args[1].mT)
            if function in _PRODUCTS:
                return self._matmul(*args)
            if function in _FUNCTIONS:
                return self._off_by_a_rounding(function(*args, **kwargs))
            if function is torch.addmm:
                return args[0] + self._matmul(args[1], args[2])
            if function is torch.conv2d and len(args) == 7 and args[6] == 1 and not isinstance(args[4], str):
                return self._convolution(*args[:6])
            return function(*args, **kwargs)

    def _convolution(self, x, weight, bias, stride, padding, dilation) -> torch.Tensor:
        columns = functional.unfold(x, weight.shape[2:], dilation, padding, stride)
        sizes = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation)
        height, width = ((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sizes)
        y = self._matmul(weight.flatten(1), columns).unflatten(-1, (height, width))
        return y if bias is None else y + bias[:, None, None]

    def _matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        pieces = zip(a.split(self.piece, dim=-1), b.split(self.piece, dim=-2))
        return sum(torch.matmul(x, y) for x, y in pieces)

    def _off_by_a_rounding(self, value: torch.Tensor) -> torch.Tensor:
        noise = torch.rand(value.shape, generator=self.generator, dtype=value.dtype) - 0.5
        return value * (1 + noise * torch.finfo(value.dtype).eps)


def error(value: torch.Tensor, exact: torch.Tensor) -> float:
    """max|x - f64| / rms(f64), the measure of `verify`."""
    return float((value.double() - exact).abs().max() / exact.pow(2).mean().sqrt().clamp_min(1e-300))


_PIECES = (3, 5, 8, 12, 17, 4, 6, 7, 9, 10, 14, 20)


def unfair(run, tensors: dict[str, torch.Tensor], margin: float, programs: int = 5) -> list[str]:
    """Names of tensors in which `run()` (name -> value) needs more than `margin` of what is allowed to another program: those of
    the first such program of as many as are asked."""
    for piece in _PIECES[:programs]:
        with AnotherProgram(piece):
            values = run()
        names = [name for name, value in values.items() if not _passes(name, value, tensors, margin)]
        if names:
            return sorted(names)
    return []


def _passes(name: str, value: torch.Tensor, tensors: dict, margin: float) -> bool:
    exact = tensors.get(f"f64.{name}")
    if exact is None or not value.dtype.is_floating_point:
        return True
    allowed = 2 * error(tensors[name], exact) + 4 * torch.finfo(value.dtype).eps
    return error(value, exact) <= margin * allowed


def failures(run, tensors: dict[str, torch.Tensor], programs: int) -> dict[str, int]:
    """In how many of many other programs each tensor of `run()` needs more than what is allowed."""
    counts: dict[str, int] = {}
    for seed in range(100, 100 + programs):
        with AnotherProgram(_PIECES[seed % len(_PIECES)], seed):
            values = run()
        for name, value in values.items():
            if not _passes(name, value, tensors, 1.0):
                counts[name] = counts.get(name, 0) + 1
    return counts
