"""The cases of ops.py: name -> (operation, function, inputs, arguments)."""

import torch
from torch.nn import functional as F

CASES: dict[str, tuple] = {}
_generator = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=_generator)


def positive(*shape: int) -> torch.Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=_generator) + 0.25


def unit(*shape: int) -> torch.Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=_generator)


def integers(high: int, *shape: int, low: int = 0) -> torch.Tensor:
    return torch.randint(low, high, shape, generator=_generator)


def flags(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=_generator) < 0.6


def case(name: str, op: str, function, inputs: list[torch.Tensor], **args) -> None:
    assert name not in CASES, name
    CASES[name] = (op, function, inputs, args)


def _elementwise() -> None:
    for op in ("exp", "tanh", "sigmoid", "erf", "sin", "cos", "abs", "neg", "sign", "floor", "ceil", "expm1"):
        case(op, op, getattr(torch, op), [normal(2, 4)])
    for op in ("log", "sqrt", "rsqrt", "reciprocal", "log1p"):
        case(op, op, getattr(torch, op), [positive(2, 4)])
    halves = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4, -0.6], dtype=torch.float64)
    case("round_half_to_even", "round", torch.round, [halves])
    case("erf_tails", "erf", torch.erf, [torch.linspace(-6, 6, 25, dtype=torch.float64)])
    case("exp_range", "exp", torch.exp, [torch.linspace(-80, 80, 17, dtype=torch.float64)])
    for op in ("relu", "silu", "mish", "hardswish", "elu", "softplus", "logsigmoid", "relu6"):
        case(op, op, getattr(F, op), [2 * normal(3, 4)])
    case("gelu", "gelu", F.gelu, [2 * normal(4, 5)], approximate="none")
    case("gelu_tanh", "gelu", F.gelu, [2 * normal(4, 5)], approximate="tanh")
    case("leaky_relu", "leaky_relu", F.leaky_relu, [normal(4, 5)], negative_slope=0.1)
    case("softplus_beta", "softplus", F.softplus, [8 * normal(4, 5)], beta=2.0, threshold=5.0)
    case("clamp", "clamp", torch.clamp, [normal(4, 5)], min=-0.5, max=0.8)
    case("swiglu", "swiglu", lambda gate, up: F.silu(gate) * up, [normal(2, 3, 4), normal(2, 3, 4)])
    for op in ("add", "sub", "mul", "div", "maximum", "minimum", "atan2"):
        case(f"{op}_broadcast", op, getattr(torch, op), [normal(2, 1, 4), normal(3, 1)])
    case("pow", "pow", torch.pow, [positive(3, 4), normal(4)])
    for op in ("fmod", "remainder"):
        case(op, op, getattr(torch, op), [5 * normal(3, 4), 1.5 * normal(3, 4)])
    case(
        "floor_divide_integers",
        "floor_divide",
        torch.floor_divide,
        [integers(20, 3, 4, low=-20), integers(6, 3, 4, low=1)],
    )
    for op in ("eq", "ne", "lt", "le", "gt", "ge"):
        case(op, op, getattr(torch, op), [integers(3, 3, 4), integers(3, 4)])
    for op in ("logical_and", "logical_or", "logical_xor"):
        case(op, op, getattr(torch, op), [flags(3, 4), flags(3, 4)])
    case("logical_not", "logical_not", torch.logical_not, [flags(3, 4)])
    case("where_broadcast", "where", torch.where, [flags(3, 1, 4), normal(2, 4), normal(3, 2, 1)])
    case("masked_fill", "masked_fill", torch.masked_fill, [normal(2, 3, 4), flags(3, 4)], value=-7.5)
    case("lerp", "lerp", torch.lerp, [normal(3, 4), normal(3, 4), unit(3, 4)])


def _reductions() -> None:
    for op in ("sum", "mean", "amax", "amin", "logsumexp"):
        case(op, op, getattr(torch, op), [normal(2, 3, 4)], dim=[1])
        case(f"{op}_keepdim", op, getattr(torch, op), [normal(2, 3, 4)], dim=[0, -1], keepdim=True)
    case("sum_all", "sum", torch.sum, [normal(2, 3, 4)])
    case("mean_all", "mean", torch.mean, [normal(2, 3, 4)])
    case("sum_integers", "sum", torch.sum, [integers(9, 3, 4)], dim=[0])
    case("logsumexp_large", "logsumexp", torch.logsumexp, [300 * normal(3, 4)], dim=[-1])
    case("prod", "prod", torch.prod, [normal(2, 3, 4)], dim=2)
    for op in ("max", "min"):
        case(f"{op}_dim", op, getattr(torch, op), [normal(2, 3, 4)], dim=1)
    for op in ("argmax", "argmin"):
        case(op, op, getattr(torch, op), [normal(2, 3, 4)], dim=-1)
        case(f"{op}_flat", op, getattr(torch, op), [normal(2, 3, 4)])
    case(
        "argmax_first_of_ties",
        "argmax",
        torch.argmax,
        [torch.tensor([[1.0, 3, 3], [2, 2, 1]], dtype=torch.float64)],
        dim=1,
    )
    for op in ("any", "all"):
        case(op, op, getattr(torch, op), [flags(4, 3)], dim=1)
    case("var_unbiased", "var", torch.var, [normal(2, 3, 4)], dim=[-1], correction=1)
    case("var_biased_keepdim", "var", torch.var, [normal(2, 3, 4)], dim=[0, 2], correction=0, keepdim=True)
    case("std", "std", torch.std, [normal(3, 5)], dim=[1], correction=1)
    case("vector_norm", "linalg.vector_norm", torch.linalg.vector_norm, [normal(3, 5)], ord=2.0, dim=[1], keepdim=True)
    case("cumsum", "cumsum", torch.cumsum, [normal(2, 4, 3)], dim=1)
    case("cumsum_integers", "cumsum", torch.cumsum, [integers(5, 3, 4)], dim=-1)
    case("cumprod", "cumprod", torch.cumprod, [normal(2, 4, 3)], dim=1)


def _order_and_index() -> None:
    case("sort", "sort", torch.sort, [normal(3, 6)], dim=-1)
    case("sort_descending", "sort", torch.sort, [normal(5, 3)], dim=0, descending=True)
    case("sort_stable", "sort", torch.sort, [integers(3, 2, 8)], dim=-1, stable=True)
    case("argsort", "argsort", torch.argsort, [normal(3, 6)], dim=1, descending=True)
    case("topk", "topk", torch.topk, [normal(3, 7)], k=3, dim=-1)
    case("topk_smallest", "topk", torch.topk, [normal(6, 2)], k=4, dim=0, largest=False)
    case(
        "gather", "gather", lambda x, index, dim: torch.gather(x, dim, index), [normal(3, 5), integers(5, 3, 4)], dim=1
    )
    case(
        "gather_rows",
        "gather",
        lambda x, index, dim: torch.gather(x, dim, index),
        [normal(4, 5, 2), integers(4, 3, 4, 2)],
        dim=0,
    )

    def indexed(function):
        return lambda x, index, source, dim: function(x, dim, index, source)

    distinct = torch.stack([torch.randperm(6, generator=_generator)[:4] for _ in range(3)])
    case("scatter", "scatter", indexed(torch.scatter), [normal(3, 6), distinct, normal(3, 4)], dim=1)
    case(
        "scatter_add", "scatter_add", indexed(torch.scatter_add), [normal(3, 5), integers(5, 3, 7), normal(3, 7)], dim=1
    )
    case(
        "scatter_add_rows",
        "scatter_add",
        indexed(torch.scatter_add),
        [normal(4, 3), integers(4, 6, 2), normal(6, 2)],
        dim=0,
    )
    case(
        "index_select",
        "index_select",
        lambda x, index, dim: torch.index_select(x, dim, index),
        [normal(4, 5), integers(5, 6)],
        dim=1,
    )
    case("index_add", "index_add", indexed(torch.index_add), [normal(4, 5), integers(4, 6), normal(6, 5)], dim=0)
    case("embedding", "embedding", lambda ids, weight: F.embedding(ids, weight), [integers(6, 2, 5), normal(6, 4)])
    case(
        "embedding_padding_idx",
        "embedding",
        lambda ids, weight, padding_idx: F.embedding(ids, weight, padding_idx),
        [integers(4, 2, 6), normal(4, 3)],
        padding_idx=1,
    )
    case("one_hot", "one_hot", F.one_hot, [integers(5, 2, 3)], num_classes=5)


def _shape() -> None:
    for mode in ("constant", "reflect", "replicate", "circular"):
        extra = {"value": 1.5} if mode == "constant" else {}
        case(f"pad_{mode}", "pad", F.pad, [normal(1, 1, 3, 4)], pad=[1, 2, 2, 1], mode=mode, **extra)
    case("pad_negative", "pad", F.pad, [normal(2, 3, 5)], pad=[-1, 2], mode="constant", value=0.0)
    case(
        "cat",
        "cat",
        lambda a, b, c, dim: torch.cat((a, b, c), dim),
        [normal(2, 1, 3), normal(2, 2, 3), normal(2, 1, 3)],
        dim=1,
    )
    case("stack", "stack", lambda a, b, dim: torch.stack((a, b), dim), [normal(2, 3), normal(2, 3)], dim=-1)
    case("roll", "roll", torch.roll, [normal(3, 4)], shifts=[1, -2], dims=[0, 1])
    case("flip", "flip", torch.flip, [normal(2, 3, 4)], dims=[0, 2])
    case("tril", "tril", torch.tril, [normal(2, 4, 5)], diagonal=1)
    case("triu", "triu", torch.triu, [normal(4, 5)], diagonal=-1)
    case("permute", "permute", torch.permute, [normal(2, 3, 4)], dims=[2, 0, 1])
    case("repeat_interleave", "repeat_interleave", torch.repeat_interleave, [normal(2, 3)], repeats=2, dim=1)
    case("unfold", "unfold", F.unfold, [normal(1, 2, 4, 5)], kernel_size=[3, 2], dilation=1, padding=1, stride=2)


def _matmul() -> None:
    for name, a, b in (
        ("vectors", (5,), (5,)),
        ("matrix_vector", (3, 5), (5,)),
        ("vector_matrix", (5,), (5, 4)),
        ("matrices", (3, 5), (5, 4)),
        ("batched", (2, 3, 5), (2, 5, 4)),
        ("broadcast", (2, 1, 3, 5), (3, 5, 2)),
        ("batched_vector", (2, 3, 5), (5,)),
        ("larger", (7, 9), (9, 5)),
    ):
        case(f"matmul_{name}", "matmul", torch.matmul, [normal(*a), normal(*b)])
    case("linear", "linear", F.linear, [normal(2, 3, 5), normal(4, 5)])
    case("linear_bias", "linear", F.linear, [normal(2, 3, 5), normal(4, 5), normal(4)])


def _convolutions() -> None:
    def conv(name: str, op: str, x: tuple, weight: tuple, bias: bool = True, **args) -> None:
        channels = weight[0] if "transpose" not in op else weight[1] * args.get("groups", 1)
        case(name, op, getattr(F, op), [normal(*x), normal(*weight)] + ([normal(channels)] if bias else []), **args)

    conv("conv1d", "conv1d", (2, 3, 9), (4, 3, 3), stride=1, padding=0, dilation=1, groups=1)
    conv(
        "conv1d_stride_padding", "conv1d", (1, 2, 10), (3, 2, 4), bias=False, stride=3, padding=2, dilation=1, groups=1
    )
    conv("conv1d_dilation_groups", "conv1d", (1, 4, 12), (6, 2, 3), stride=2, padding=3, dilation=2, groups=2)
    conv("conv1d_depthwise", "conv1d", (2, 4, 7), (4, 1, 3), stride=1, padding=2, dilation=1, groups=4)
    conv("conv1d_same", "conv1d", (1, 2, 8), (2, 2, 4), padding="same", dilation=1, groups=1)
    conv("conv2d", "conv2d", (2, 2, 5, 4), (3, 2, 3, 2), stride=[1, 1], padding=[0, 0], dilation=[1, 1], groups=1)
    conv(
        "conv2d_stride_padding",
        "conv2d",
        (1, 2, 7, 8),
        (3, 2, 3, 3),
        stride=[2, 3],
        padding=[1, 2],
        dilation=[1, 1],
        groups=1,
    )
    conv(
        "conv2d_dilation_groups",
        "conv2d",
        (1, 4, 6, 7),
        (2, 2, 3, 2),
        bias=False,
        stride=[1, 2],
        padding=[2, 1],
        dilation=[2, 3],
        groups=2,
    )
    conv(
        "conv2d_depthwise",
        "conv2d",
        (1, 2, 5, 5),
        (4, 1, 3, 3),
        stride=[1, 1],
        padding=[1, 1],
        dilation=[1, 1],
        groups=2,
    )
    conv(
        "conv2d_patches", "conv2d", (1, 2, 4, 6), (3, 2, 2, 2), stride=[2, 2], padding=[0, 0], dilation=[1, 1], groups=1
    )
    conv(
        "conv3d",
        "conv3d",
        (1, 2, 4, 4, 3),
        (2, 2, 2, 3, 2),
        stride=[2, 1, 1],
        padding=[1, 0, 1],
        dilation=[1, 1, 1],
        groups=1,
    )
    conv(
        "conv3d_dilation_groups",
        "conv3d",
        (1, 2, 4, 4, 3),
        (2, 1, 2, 2, 2),
        stride=[1, 2, 1],
        padding=[0, 1, 1],
        dilation=[2, 1, 2],
        groups=2,
    )
    conv(
        "conv_transpose1d",
        "conv_transpose1d",
        (2, 3, 5),
        (3, 4, 3),
        stride=2,
        padding=1,
        output_padding=1,
        groups=1,
        dilation=1,
    )
    conv(
        "conv_transpose1d_groups",
        "conv_transpose1d",
        (1, 4, 5),
        (4, 2, 3),
        bias=False,
        stride=3,
        padding=0,
        output_padding=2,
        groups=2,
        dilation=2,
    )
    conv(
        "conv_transpose2d",
        "conv_transpose2d",
        (1, 3, 4, 3),
        (3, 2, 3, 2),
        stride=[2, 3],
        padding=[1, 0],
        output_padding=[1, 0],
        groups=1,
        dilation=[1, 1],
    )
    conv(
        "conv_transpose2d_groups",
        "conv_transpose2d",
        (1, 4, 3, 3),
        (4, 1, 2, 3),
        stride=[1, 2],
        padding=[0, 1],
        output_padding=[0, 1],
        groups=2,
        dilation=[2, 1],
    )
    conv(
        "conv_transpose3d",
        "conv_transpose3d",
        (1, 2, 3, 2, 3),
        (2, 2, 2, 2, 2),
        stride=[2, 1, 2],
        padding=[1, 0, 0],
        output_padding=[0, 0, 1],
        groups=1,
        dilation=[1, 1, 1],
    )


def _pooling() -> None:
    for d, x, kernel, stride, padding in (
        (1, (2, 3, 9), [3], [2], [1]),
        (2, (1, 2, 7, 6), [3, 2], [2, 2], [1, 0]),
        (3, (1, 1, 5, 4, 4), [2, 2, 3], [2, 1, 1], [0, 1, 1]),
    ):
        case(
            f"max_pool{d}d",
            f"max_pool{d}d",
            getattr(F, f"max_pool{d}d"),
            [normal(*x)],
            kernel_size=kernel,
            stride=stride,
            padding=padding,
        )
        case(
            f"avg_pool{d}d",
            f"avg_pool{d}d",
            getattr(F, f"avg_pool{d}d"),
            [normal(*x)],
            kernel_size=kernel,
            stride=stride,
            padding=padding,
        )
    case(
        "max_pool2d_dilation_ceil",
        "max_pool2d",
        F.max_pool2d,
        [normal(1, 1, 8, 7)],
        kernel_size=[2, 3],
        stride=[3, 2],
        padding=[0, 1],
        dilation=[2, 1],
        ceil_mode=True,
    )
    case(
        "avg_pool2d_exclude_pad",
        "avg_pool2d",
        F.avg_pool2d,
        [normal(1, 2, 6, 7)],
        kernel_size=[3, 3],
        stride=[2, 2],
        padding=[1, 1],
        ceil_mode=True,
        count_include_pad=False,
    )
    case(
        "avg_pool2d_divisor",
        "avg_pool2d",
        F.avg_pool2d,
        [normal(1, 2, 5, 5)],
        kernel_size=[2, 2],
        stride=[1, 1],
        divisor_override=3,
    )
    for d, x, size in ((1, (2, 3, 7), [3]), (2, (1, 2, 7, 5), [3, 4]), (3, (1, 1, 5, 4, 3), [2, 3, 2])):
        case(
            f"adaptive_avg_pool{d}d",
            f"adaptive_avg_pool{d}d",
            getattr(F, f"adaptive_avg_pool{d}d"),
            [normal(*x)],
            output_size=size,
        )
        case(
            f"adaptive_max_pool{d}d",
            f"adaptive_max_pool{d}d",
            getattr(F, f"adaptive_max_pool{d}d"),
            [normal(*x)],
            output_size=size,
        )


def _interpolation() -> None:
    def interpolate(name: str, x: tuple, **args) -> None:
        case(f"interpolate_{name}", "interpolate", F.interpolate, [normal(*x)], **args)

    for mode in ("nearest", "nearest-exact"):
        name = mode.replace("-", "_")
        interpolate(f"{name}_1d", (2, 2, 5), size=[8], mode=mode)
        interpolate(f"{name}_2d_up", (1, 2, 3, 4), size=[7, 6], mode=mode)
        interpolate(f"{name}_2d_down", (1, 2, 7, 6), size=[3, 4], mode=mode)
    interpolate("nearest_scale_factor", (1, 2, 3, 4), scale_factor=[2.0, 1.7], mode="nearest")
    interpolate("linear", (2, 2, 5), size=[9], mode="linear", align_corners=False)
    interpolate("trilinear", (1, 1, 2, 3, 3), size=[3, 5, 4], mode="trilinear", align_corners=False)
    for mode in ("bilinear", "bicubic"):
        for align in (False, True):
            suffix = "_align_corners" if align else ""
            interpolate(f"{mode}_up{suffix}", (1, 1, 4, 3), size=[7, 8], mode=mode, align_corners=align)
            interpolate(f"{mode}_down{suffix}", (1, 1, 8, 7), size=[3, 5], mode=mode, align_corners=align)
        interpolate(f"{mode}_antialias", (1, 1, 9, 8), size=[4, 3], mode=mode, align_corners=False, antialias=True)
    interpolate("bilinear_scale_factor", (1, 2, 4, 5), scale_factor=[1.5, 1.3], mode="bilinear", align_corners=False)


def _norms_and_softmax() -> None:
    case("layer_norm", "layer_norm", F.layer_norm, [normal(2, 3, 6)], normalized_shape=[6], eps=1e-5)

    def with_weights(function):
        return lambda x, weight, bias=None, **args: function(
            x, weight=weight, **({"bias": bias} if bias is not None else {}), **args
        )

    case(
        "layer_norm_affine",
        "layer_norm",
        with_weights(F.layer_norm),
        [3 + normal(2, 3, 6), normal(6), normal(6)],
        normalized_shape=[6],
        eps=1e-12,
    )
    case(
        "layer_norm_two_dims",
        "layer_norm",
        with_weights(F.layer_norm),
        [normal(2, 3, 4), normal(3, 4), normal(3, 4)],
        normalized_shape=[3, 4],
        eps=1e-3,
    )
    case("rms_norm", "rms_norm", with_weights(F.rms_norm), [normal(2, 3, 6), normal(6)], normalized_shape=[6], eps=1e-6)
    case(
        "group_norm",
        "group_norm",
        with_weights(F.group_norm),
        [normal(2, 6, 3, 2), normal(6), normal(6)],
        num_groups=3,
        eps=1e-5,
    )
    case(
        "group_norm_one",
        "group_norm",
        with_weights(F.group_norm),
        [normal(2, 4, 5), normal(4), normal(4)],
        num_groups=1,
        eps=1e-5,
    )
    case(
        "batch_norm_inference",
        "batch_norm",
        lambda x, mean, var, weight, bias, eps: F.batch_norm(x, mean.detach(), var.detach(), weight, bias, eps=eps),
        [normal(2, 3, 4), normal(3), positive(3), normal(3), normal(3)],
        eps=1e-5,
    )
    case("normalize", "normalize", F.normalize, [normal(3, 5)], p=2.0, dim=1)
    for op in ("softmax", "log_softmax"):
        case(op, op, getattr(torch, op), [normal(2, 3, 5)], dim=-1)
        case(f"{op}_dim_1", op, getattr(torch, op), [normal(2, 4, 3)], dim=1)
        case(f"{op}_large", op, getattr(torch, op), [500 * normal(3, 5)], dim=-1)
    masked = normal(3, 5)
    masked[0, 2:] = -torch.inf
    case("softmax_minus_infinity", "softmax", torch.softmax, [masked], dim=-1)


def _rope(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, style: str) -> torch.Tensor:
    if style == "half":
        low, high = x.chunk(2, dim=-1)
        return x * cos + torch.cat((-high, low), dim=-1) * sin
    even, odd = x[..., 0::2], x[..., 1::2]
    return x * cos + torch.stack((-odd, even), dim=-1).flatten(-2) * sin


def _attention() -> None:
    angles = torch.arange(3, 6, dtype=torch.float64)[:, None] * 100.0 ** (
        -torch.arange(0, 8, 2, dtype=torch.float64) / 8
    )
    for style, full in (("half", torch.cat((angles, angles), -1)), ("interleaved", angles.repeat_interleave(2, -1))):
        case(
            f"rope_{style}",
            "rope",
            lambda x, cos, sin, style: _rope(x, cos.detach(), sin.detach(), style),
            [normal(1, 2, 3, 8), full.cos()[None], full.sin()[None]],
            style=style,
        )

    def attention(
        name: str, q: tuple, k: tuple, mask: torch.Tensor | None = None, v_size: int | None = None, **args
    ) -> None:
        inputs = [normal(*q), normal(*k), normal(*k[:-1], v_size or k[-1])] + ([mask] if mask is not None else [])
        case(f"sdpa_{name}", "scaled_dot_product_attention", F.scaled_dot_product_attention, inputs, **args)

    attention("plain", (2, 1, 3, 4), (2, 1, 5, 4))
    attention("causal", (1, 2, 5, 4), (1, 2, 5, 4), is_causal=True)
    attention("scale", (1, 2, 3, 4), (1, 2, 5, 4), scale=0.3)
    attention("grouped_queries", (1, 4, 4, 4), (1, 2, 4, 4), is_causal=True, enable_gqa=True)
    attention("one_key_head", (1, 4, 3, 4), (1, 1, 5, 4), enable_gqa=True)
    attention("value_size", (1, 2, 3, 4), (1, 2, 5, 4), v_size=7)
    keep = flags(2, 1, 3, 5)
    keep[..., 0] = True
    attention("boolean_mask", (2, 2, 3, 2), (2, 2, 5, 2), mask=keep)
    attention("additive_mask", (2, 2, 3, 2), (2, 2, 4, 2), mask=normal(1, 2, 3, 4))
    attention("odd_head_size", (1, 2, 5, 3), (1, 2, 5, 3), is_causal=True)


def _losses() -> None:
    def cross_entropy(
        name: str, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, **args
    ) -> None:
        def function(logits, target, weight=None, **args):
            return F.cross_entropy(logits, target, weight=None if weight is None else weight.detach(), **args)

        case(
            f"cross_entropy_{name}",
            "cross_entropy",
            function,
            [logits, target] + ([weight] if weight is not None else []),
            **args,
        )

    ignored = integers(5, 8)
    ignored[[1, 4]] = -100
    cross_entropy("mean", normal(4, 5), integers(5, 4))
    cross_entropy("sum", normal(4, 5), integers(5, 4), reduction="sum")
    cross_entropy("none", normal(4, 5), integers(5, 4), reduction="none")
    cross_entropy("ignore_index", normal(8, 5), ignored, ignore_index=-100)
    cross_entropy("label_smoothing", normal(8, 5), ignored, ignore_index=-100, label_smoothing=0.1)
    cross_entropy("class_weights", normal(8, 5), ignored, weight=positive(5), ignore_index=-100)
    cross_entropy("class_weights_smoothing", normal(6, 5), integers(5, 6), weight=positive(5), label_smoothing=0.2)
    cross_entropy("images", normal(2, 3, 4, 2), integers(3, 2, 4, 2))
    cross_entropy("large_logits", 400 * normal(4, 5), integers(5, 4))
    case("nll_loss", "nll_loss", F.nll_loss, [F.log_softmax(normal(4, 5), -1), integers(5, 4)])
    case("mse_loss", "mse_loss", lambda x, y: F.mse_loss(x, y), [normal(3, 4), normal(3, 4)])
    case("l1_loss", "l1_loss", lambda x, y: F.l1_loss(x, y), [normal(3, 4), normal(3, 4)])
    case(
        "smooth_l1_loss",
        "smooth_l1_loss",
        lambda x, y, beta: F.smooth_l1_loss(x, y, beta=beta),
        [normal(3, 4), normal(3, 4)],
        beta=0.5,
    )
    case(
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy_with_logits",
        lambda x, y: F.binary_cross_entropy_with_logits(x, y.detach()),
        [5 * normal(3, 4), unit(3, 4).round()],
    )


for _group in (
    _elementwise,
    _reductions,
    _order_and_index,
    _shape,
    _matmul,
    _convolutions,
    _pooling,
    _interpolation,
    _norms_and_softmax,
    _attention,
    _losses,
):
    _group()
