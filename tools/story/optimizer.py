"""Muon for the matrices of the layers. AdamW serves the rest (embeddings and norms)."""

import torch


class Muon(torch.optim.Optimizer):
    """Momentum whose update is replaced by the nearest orthogonal matrix (Jordan et al. 2024).

    torch.optim.Muon iterates in bfloat16 and one matrix at a time, which is slow on a CPU without bfloat16 arithmetic;
    here all matrices of one shape go through one batched float32 product.
    """

    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.0, steps: int = 5):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, steps=steps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}
            for parameter in group["params"]:
                buffer = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
                buffer.lerp_(parameter.grad, 1 - group["momentum"])
                by_shape.setdefault(parameter.shape, []).append(
                    (parameter, parameter.grad.lerp(buffer, group["momentum"]))
                )
            for shape, entries in by_shape.items():
                updates = _orthogonalise(torch.stack([update for _, update in entries]), group["steps"])
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for (parameter, _), update in zip(entries, updates):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-scale)


def _orthogonalise(matrices: torch.Tensor, steps: int) -> torch.Tensor:
    """Newton-Schulz iteration with the published quintic coefficients: singular values go to about 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    transposed = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if transposed else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if transposed else x
