"""Inputs and labels of models of pictures."""

import torch


class PixelMaker:
    """Draws everything from one generator, so that a seed says all. `size` is (height, width), the configuration's where
    it is not given; with another one positions are interpolated. `masked` hides patches."""

    def __init__(self, config, seed: int, batch: int = 2, size=None, masked: bool = False, labels: bool = True):
        self.config, self.batch, self.masked, self.labels = config, batch, masked, labels
        expected = _pair(getattr(config, "image_size", 32))
        self.size = tuple(size or expected)
        self.interpolate = self.size != expected and hasattr(config, "patch_size")
        self.generator = torch.Generator().manual_seed(seed + 1000)

    def make(self, auto_class: str) -> dict[str, torch.Tensor]:
        shape = (self.batch, getattr(self.config, "num_channels", 3), *self.size)
        inputs = {"pixel_values": torch.randn(shape, generator=self.generator)}
        if self.interpolate:
            inputs["interpolate_pos_encoding"] = torch.tensor(True)
        if self.masked:
            patch = _pair(self.config.patch_size)
            patches = (self.size[0] // patch[0]) * (self.size[1] // patch[1])
            inputs["bool_masked_pos"] = self._integers(0, 2, self.batch, patches).bool()
        if self.labels and auto_class == "AutoModelForImageClassification":
            inputs["labels"] = self._class_labels()
        return inputs

    def _integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=self.generator)

    def _class_labels(self) -> torch.Tensor:
        problem, number = self.config.problem_type, self.config.num_labels
        if problem == "multi_label_classification":
            return self._integers(0, 2, self.batch, number).float()
        if problem == "regression":
            return torch.randn((self.batch,) if number == 1 else (self.batch, number), generator=self.generator)
        return self._integers(0, number, self.batch)


def _pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)
