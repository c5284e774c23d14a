"""Inputs of models that read texts with pictures in them."""

import math

import torch

FIRST_ORDINARY_ID = 12  # below it: padding, begin, end, and tokens that stand for pictures
IMAGE, VIDEO, VISION_START, VISION_END = 5, 6, 7, 8


def _texts(config, generator, pictures: list[list[int]], words: int, padding: str, mask: bool, labels: bool) -> dict:
    """Rows of `words` words with pictures among them: pictures[row] are numbers of image tokens, or below 0 of video tokens. `padding` fills rows up on
    the left or right, behind a row that is shorter by one word for each row before it."""
    rows = []
    for index, counts in enumerate(pictures):
        ids = torch.randint(FIRST_ORDINARY_ID, config.get_text_config().vocab_size, (words - index,), generator=generator)
        pieces = ids.tensor_split(len(counts) + 1)
        row = [pieces[0]]
        for count, piece in zip(counts, pieces[1:]):
            token = IMAGE if count > 0 else VIDEO
            row += [torch.tensor([VISION_START] + [token] * abs(count) + [VISION_END]), piece]
        rows.append(torch.cat(row))
    longest = max(map(len, rows))
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    real = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        at = slice(longest - len(row), longest) if padding == "left" else slice(0, len(row))
        ids[index, at], real[index, at] = row, 1
    inputs = {"input_ids": ids}
    if mask:
        inputs["attention_mask"] = real
    if labels:  # the first token behind left padding is predicted from nothing, which means nothing
        before = real.roll(1, dims=1)
        before[:, 0] = 1
        inputs["labels"] = torch.where((real & before).bool() & (ids != IMAGE) & (ids != VIDEO), ids, -100)
    return inputs


def llava(config, auto_class, generator, pictures=((1,), (1,)), words=7, padding="left", mask=True) -> dict:
    """`pictures`: how many of them stand in each row, as a tuple of ones."""
    vision = config.vision_config
    side = vision.image_size // vision.patch_size
    count = side * side + int(config.vision_feature_select_strategy == "full" and "clip" in vision.model_type)
    counts = [[count] * len(row) for row in pictures]
    inputs = _texts(config, generator, counts, words, padding, mask, auto_class != "AutoModel")
    shape = (sum(map(len, pictures)), 3, vision.image_size, vision.image_size)
    return inputs | {"pixel_values": torch.randn(shape, generator=generator)}


def qwen2_vl(config, auto_class, generator, grids=(((2, 4),), ((4, 2),)), words=7, padding="left", mask=True) -> dict:
    """`grids`: rows and columns of patches of the pictures in each row; in front of them the moments of a video."""
    vision = config.vision_config
    merged = vision.spatial_merge_size**2
    size = lambda grid: math.prod(grid) // merged * (1 if len(grid) == 2 else -1)  # noqa: E731
    counts = [[size(grid) for grid in row] for row in grids]
    inputs = _texts(config, generator, counts, words, padding, mask, auto_class != "AutoModel")
    values = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    for kind, length, pixels in ((1, 2, "pixel_values"), (2, 3, "pixel_values_videos")):
        flat = [grid for row in grids for grid in row if len(grid) == length]
        if flat:
            inputs[pixels] = torch.randn((sum(map(math.prod, flat)), values), generator=generator)
            name = "image_grid_thw" if kind == 1 else "video_grid_thw"
            inputs[name] = torch.tensor([(1, *grid)[-3:] for grid in flat])
    if any(grids):
        ids = inputs["input_ids"]
        inputs["mm_token_type_ids"] = (ids == IMAGE).long() + 2 * (ids == VIDEO).long()
    return inputs


def idefics3(config, auto_class, generator, pictures=(2, 1), words=7, padding="left", mask=True, padded=False) -> dict:
    """`pictures`: how many of them stand in each row. `padded`: the first one has pixels that are none."""
    vision = config.vision_config
    count = (vision.image_size // vision.patch_size // config.scale_factor) ** 2
    inputs = _texts(config, generator, [[count] * n for n in pictures], words, padding, mask, auto_class != "AutoModel")
    shape = (len(pictures), max(pictures), 3, vision.image_size, vision.image_size)
    pixels, seen = torch.zeros(shape), torch.zeros(shape[:2] + shape[3:], dtype=torch.long)
    for row, number in enumerate(pictures):
        pixels[row, :number] = torch.randn((number, *shape[2:]), generator=generator)
        seen[row, :number] = 1
    if padded:
        seen[0, 0, :, -vision.patch_size - 1 :] = 0
        seen[0, 0, -vision.patch_size :] = 0
    return inputs | {"pixel_values": pixels, "pixel_attention_mask": seen}


def blip_2(config, auto_class, generator, words=(7, 6), padding="left", mask=True, size=None, matching=False) -> dict:
    """A row of `words` words each, in front of which stands its picture. `size`: of pictures that are not the config's. Models
    without a language model read texts of their own, to match with the pictures one by one where `matching`."""
    image, queries = config.vision_config.image_size, config.num_query_tokens
    compares = "Retrieval" in auto_class or "Projection" in auto_class
    text = _texts(config, generator, [[] for _ in words], words[0], "right" if compares else padding, mask, not compares)
    if not compares or config.image_token_index is not None:
        front = torch.ones((len(words), queries), dtype=torch.long)
        values = {"input_ids": config.image_token_index, "attention_mask": 1, "labels": -100}
        text = {name: torch.cat([front * values[name], tensor], 1) for name, tensor in text.items()}
    pixels = {"pixel_values": torch.randn((len(words), 3, *(size or (image, image))), generator=generator)}
    pixels |= {"interpolate_pos_encoding": torch.tensor(True)} if size else {}
    if "Projection" in auto_class:
        return text if "Text" in auto_class else pixels
    return text | pixels | ({"use_image_text_matching_head": torch.tensor(True)} if matching else {})


def blip_2_vision_model(config, auto_class, generator, size=None) -> dict:
    pixels = {"pixel_values": torch.randn((2, 3, *(size or (config.image_size, config.image_size))), generator=generator)}
    return pixels | ({"interpolate_pos_encoding": torch.tensor(True)} if size else {})


def blip_2_qformer(config, auto_class, generator, texts=0) -> dict:
    """With padding behind the second row's queries, the last `texts` of which are a text's words, and in what it asks, but for
    words, with which the reference cannot ask what has padding."""
    mask, asked = torch.ones((2, 5), dtype=torch.long), torch.ones((2, 7), dtype=torch.long)
    mask[1, 4:] = 0
    if not texts:
        asked[1, 5:] = 0
    inputs = {
        "query_embeds": torch.randn((2, 5, config.hidden_size), generator=generator),
        "attention_mask": mask,
        "encoder_hidden_states": torch.randn((2, 7, config.encoder_hidden_size), generator=generator),
        "encoder_attention_mask": asked,
    }
    return inputs | ({"query_length": torch.tensor(5 - texts)} if texts else {})


INPUTS = {"blip-2": blip_2, "blip_2_vision_model": blip_2_vision_model, "blip_2_qformer": blip_2_qformer}
INPUTS |= {"llava": llava, "qwen2_vl": qwen2_vl, "idefics3": idefics3, "smolvlm": idefics3}
