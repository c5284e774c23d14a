"""What torchvision's batched_nms does, for the one place where the reference takes it from there: torchvision itself would
change which image processors the reference takes."""

import sys
import types

import torch


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Indices of the boxes (of one kind) that stay, the best score first, those of equal scores in their order."""
    assert idxs.unique().numel() <= 1
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    for i in scores.sort(descending=True, stable=True).indices.tolist():
        sides = [(torch.minimum(boxes[i, s + 2], boxes[kept, s + 2]) - torch.maximum(boxes[i, s], boxes[kept, s])).clamp(min=0) for s in (0, 1)]
        common = sides[0] * sides[1]
        if not (common / (areas[i] + areas[kept] - common) > iou_threshold).any():
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)


def stand_in(processor) -> None:
    """Has the processor of SAM suppress overlaps with the function above."""
    from transformers.models.sam import image_processing_pil_sam as sam

    def post_process(*arguments):
        boxes = types.ModuleType("torchvision.ops.boxes")
        boxes.batched_nms = batched_nms
        names = ("torchvision", "torchvision.ops", "torchvision.ops.boxes")
        before = {name: sys.modules.get(name) for name in names}
        sys.modules |= dict(zip(names, (types.ModuleType(names[0]), types.ModuleType(names[1]), boxes)))
        try:
            return sam._post_process_for_mask_generation(*arguments)
        finally:
            for name, module in before.items():
                sys.modules.pop(name) if module is None else sys.modules.update({name: module})

    processor.post_process_for_mask_generation = post_process
