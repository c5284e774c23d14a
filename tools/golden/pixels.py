"""Inputs and labels of models of pictures."""

import torch


# They have to be told that a picture is of another size than the configuration says.
INTERPOLATING = ("vit", "deit", "clip", "clip_vision_model", "siglip", "siglip_vision_model", "swin")


class PixelMaker:
    """Draws everything from one generator, so that a seed says all. `size` is (height, width), the configuration's where
    it is not given; with another one positions are interpolated. `masked` hides patches. `texts` are compared with the
    pictures, the last one shorter where there is `padding`. `mask` gives a pixel_mask with padding. `prompts` are what
    a mask generator is given: points, boxes, masks; "single" asks for one mask of each. `segments` are masks and labels as the
    labels of a model of segments."""

    def __init__(
        self,
        config,
        seed: int,
        batch: int = 2,
        size=None,
        masked: bool = False,
        texts: int = 0,
        padding: bool = False,
        labels: bool = True,
        mask: bool = False,
        prompts: tuple = (),
        segments: bool = False,
    ):
        self.mask, self.prompts, self.segments = mask, prompts, segments
        self.config, self.masked, self.labels, self.texts, self.padding = config, masked, labels, texts, padding
        self.batch = texts or batch
        expected = _pair(getattr(getattr(config, "vision_config", config), "image_size", 32))
        self.size = tuple(size or expected)
        self.interpolate = self.size != expected and config.model_type in INTERPOLATING
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
        if self.texts:
            inputs |= self._texts()
        if self.prompts:
            inputs |= self._prompts()
        if self.labels and auto_class == "AutoModelForImageClassification":
            inputs["labels"] = self._class_labels()
        if self.labels and auto_class == "AutoModelForSemanticSegmentation":
            labels = self._integers(0, max(2, self.config.num_labels), self.batch, *self.size)
            labels[:, :2] = self.config.semantic_loss_ignore_index
            inputs["labels"] = labels
        if self.labels and auto_class in ("AutoModelForObjectDetection", "DetrForSegmentation"):
            inputs["labels"] = [self._objects(1 + picture) for picture in range(self.batch)]
            for picture, objects in enumerate(inputs["labels"] if auto_class == "DetrForSegmentation" else []):
                objects["masks"] = self._masks(1 + picture, picture)
        if self.labels and auto_class == "AutoModelForUniversalSegmentation" and self.segments:
            counts = [2 + picture for picture in range(self.batch)]
            inputs["mask_labels"] = [self._masks(count, picture) for picture, count in enumerate(counts)]
            inputs["class_labels"] = [self._integers(0, self.config.num_labels, count) for count in counts]
        if self.mask:  # the last picture is smaller than the others
            inputs["pixel_mask"] = torch.ones((self.batch, *self.size), dtype=torch.long)
            inputs["pixel_mask"][-1, -self.size[0] // 4 :] = 0
            inputs["pixel_mask"][-1, :, -self.size[1] // 3 :] = 0
        return inputs

    def _objects(self, count: int) -> dict[str, torch.Tensor]:
        boxes = 0.1 + 0.8 * torch.rand((count, 4), generator=self.generator)
        boxes[:, 2:] *= 0.5
        return {"class_labels": self._integers(0, self.config.num_labels, count), "boxes": boxes}

    def _masks(self, count: int, picture: int) -> torch.Tensor:
        """One rectangle each; of later pictures they are smaller."""
        height, width = self.size[0] - 4 * picture, self.size[1] - 8 * picture
        masks = torch.zeros((count, height, width))
        for mask in masks:
            top, left = self._integers(0, height // 2, 1).item(), self._integers(0, width // 2, 1).item()
            mask[top : top + height // 2, left : left + width // 2] = 1
        return masks

    def _prompts(self) -> dict[str, torch.Tensor]:
        """Of each picture two; the labels name every kind of point that there is."""
        pixels, inputs = float(self.size[0]), {}
        if "points" in self.prompts:
            inputs["input_points"] = pixels * torch.rand((self.batch, 2, 3, 2), generator=self.generator)
            inputs["input_labels"] = self._integers(0, 2, self.batch, 2, 3)
            inputs["input_labels"][-1, 0, 1], inputs["input_labels"][-1, 1, 2] = -1, -10
        if "boxes" in self.prompts:
            inputs["input_boxes"] = pixels * torch.rand((self.batch, 2, 4), generator=self.generator)
        if "masks" in self.prompts:
            side = 4 * self.config.prompt_encoder_config.image_embedding_size
            inputs["input_masks"] = torch.randn((self.batch, 1, side, side), generator=self.generator)
        if "single" in self.prompts:
            inputs["multimask_output"] = torch.tensor(False)
        return inputs

    def _texts(self) -> dict[str, torch.Tensor]:
        text, tokens = self.config.text_config, 9
        ids = self._integers(3, text.vocab_size - 1, self.texts, tokens)
        end = text.vocab_size - 1  # what the texts end with, and so the largest id
        ids[:, -1] = end
        inputs = {"input_ids": ids, "return_loss": torch.tensor(True)}
        if self.padding:
            ids[-1, -4:] = torch.tensor([end] + [text.pad_token_id] * 3)
            inputs["attention_mask"] = torch.ones_like(ids)
            inputs["attention_mask"][-1, -3:] = 0
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
