#!/usr/bin/env python3
"""Writes tests/golden/pipelines/image-text-to-text-*: tiny models that read texts with pictures in them, with their
processors, and what the reference's processors and pipelines make of files of src/imago/processors/image/testdata.

    python tools/golden/multimodal_pipelines.py [llava|qwen2_vl|idefics3|smolvlm|blip-2|qwen2_vl_video ...]

Beside pipeline.json (see pipelines.py) a folder has processor.json, a list of texts with their pictures, and
processor.safetensors, what the processor gives for all of them at once. The reference's video processors, for qwen2_vl_video, need
torchvision, with which it takes other image processors for all else: it is to be installed for that run only.
"""

import json
import os
import pathlib
import shutil
import sys
from functools import partial

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np
import torch
import transformers
from multimodal import TEXT, TOWER
from pipelines import byte_level_tokenizer, finish, plain
from PIL import Image
from safetensors.torch import save_file
from transformers import AutoConfig, AutoProcessor, pipeline
from weights import randomise

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "src" / "imago" / "processors" / "image" / "testdata"
ONE, TURNED, THIRD = "rgb.jpg", "orientation_6.jpg", "palette.png"
FLAT, LOSSY, SMALL = "full_chroma.jpg", "lossy.webp", "rgb.png"

CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer_with(*tokens):
    tokenizer = byte_level_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(tokens)})
    tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = "left"
    return tokenizer


def chat(*content):
    parts = [{"type": "image", "url": part} if part in (ONE, TURNED, THIRD) else {"type": "text", "text": part} for part in content]
    return [{"role": "user", "content": parts}]


def with_paths(value):
    """Names of pictures as the files that they are."""
    if isinstance(value, list):
        return [with_paths(item) for item in value]
    if isinstance(value, dict):
        places = {"url": lambda item: str(PICTURES / item), "video": lambda item: [str(PICTURES / file) for file in item]}
        return {key: places.get(key, with_paths)(item) for key, item in value.items()}
    return value


def without_paths(value):
    return json.loads(json.dumps(value).replace(str(PICTURES) + "/", ""))


class NoVideos:
    """In the place of a video processor, which needs torchvision: videos are not read here."""

    merge_size, num_frames, fps, model_input_names = 2, 8, 1, []


def with_no_videos(kind, *parts, **options):
    """A processor of a class that wants a video processor."""
    check = transformers.ProcessorMixin.check_argument_for_proper_class
    transformers.ProcessorMixin.check_argument_for_proper_class = lambda *_: None
    try:
        return kind(*parts, NoVideos(), **options)
    finally:
        transformers.ProcessorMixin.check_argument_for_proper_class = check


def save_as_on_the_hub(processor, folder):
    """In several files, as processors were saved before there was one for all."""
    name = {"processor_class": type(processor).__name__}
    files = {"preprocessor_config.json": processor.image_processor.to_dict() | name}
    if hasattr(processor, "image_seq_len"):
        files["processor_config.json"] = {"image_seq_len": processor.image_seq_len} | name
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content, indent=2) + "\n")
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": processor.chat_template}, indent=2) + "\n")
    processor.tokenizer.chat_template = None
    processor.tokenizer.save_pretrained(folder)


def write(model_type, config, processor, image_token, texts, image_text, name=None):
    """`texts` are (text, pictures) for the processor, {} in them being image tokens; `image_text` is what stands around one."""
    folder = ROOT / "tests" / "golden" / "pipelines" / f"image-text-to-text-{name or model_type}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = processor.tokenizer
    processor.chat_template = CHAT_TEMPLATE.replace("IMAGE", image_text)
    text = TEXT | dict(vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2, max_position_embeddings=512)
    config = config | dict(image_token_id=tokenizer.convert_tokens_to_ids(image_token))
    if model_type in ("llava", "blip-2"):
        config["image_token_index"] = config.pop("image_token_id")
    config["text_config"] = text | config.get("text_config", {})
    if model_type == "blip-2":
        config["text_config"] = OPT | dict(vocab_size=len(tokenizer))
    if model_type == "qwen2_vl":
        config["text_config"].pop("model_type")
    torch.manual_seed(3)
    model = transformers.AutoModelForImageTextToText.from_config(AutoConfig.for_model(model_type, **config))
    randomise(model, 3)
    model.eval().save_pretrained(folder)
    if isinstance(getattr(processor, "video_processor", None), NoVideos):
        save_as_on_the_hub(processor, folder)
    else:
        processor.save_pretrained(folder)
        if name is None:  # with torchvision it would take another image processor
            processor = AutoProcessor.from_pretrained(folder)
    if any(isinstance(file, list) for _, files in texts for file in files):
        write_videos(folder, model, processor, texts)
        return
    prompts = [(text.replace("{}", image_token), files) for text, files in texts]
    pictures = [[Image.open(PICTURES / file) for file in files] for _, files in prompts]
    pictures = [[upright(picture) for picture in row] for row in pictures]
    if "idefics3" not in model_type and "smolvlm" not in model_type:
        pictures = [picture for row in pictures for picture in row]
    inputs = processor(text=[text for text, _ in prompts], images=pictures, padding=True, return_tensors="pt")
    save_file({name: value.contiguous() for name, value in inputs.items()}, folder / "processor.safetensors")
    (folder / "processor.json").write_text(json.dumps([{"text": t, "pictures": f} for t, f in prompts], indent=1) + "\n")

    pipe = pipeline("image-text-to-text", model=model, processor=processor, device="cpu")
    greedy = {"do_sample": False, "max_new_tokens": 10}
    cases = [
        (chat(ONE, "What does the café sell?"), greedy),
        (chat("Before", TURNED, THIRD, "and behind"), greedy | {"return_full_text": False}),
        (chat("Only a text"), greedy),
        (chat(THIRD, "Who?") + [{"role": "assistant", "content": [{"type": "text", "text": "The king"}]}], greedy),
        ([{"role": "system", "content": "Be brief."}] + chat(ONE), greedy | {"num_beams": 2}),
        ({"text": prompts[0][0], "images": prompts[0][1]}, greedy),
    ]
    if model_type == "blip-2":  # no conversations
        asked = {"text": texts[0][0], "images": texts[0][1]}
        cases = [(asked, greedy), (asked, greedy | {"num_beams": 2}), (asked, greedy | {"return_full_text": False})]
    answers = []
    for inputs, options in cases:
        generate = {name: value for name, value in options.items() if name != "return_full_text"}
        keywords = {"generate_kwargs": generate} | {k: v for k, v in options.items() if k == "return_full_text"}
        if isinstance(inputs, dict):
            images = [str(PICTURES / file) for file in inputs["images"]]
            answer = pipe(images if len(images) > 1 else images[0], text=inputs["text"], **keywords)
        else:
            answer = pipe(text=with_paths(inputs), **keywords)
        expected = without_paths(plain(answer))
        answers.append({"task": "image-text-to-text", "inputs": inputs, "options": options, "expected": expected})
    finish(folder, answers)


def write_videos(folder, model, processor, texts):
    """`texts` are (text, pictures and lists of them, which are videos)."""
    rows, pictures, videos = [], [], []
    for text, files in texts:
        own = [file for file in files if isinstance(file, list)]
        rows.append({"text": text, "pictures": [file for file in files if not isinstance(file, list)], "videos": own})
        pictures += [upright(Image.open(PICTURES / file)) for file in rows[-1]["pictures"]]
        videos += [np.stack([np.array(upright(Image.open(PICTURES / file))) for file in video]) for video in own]
    inputs = processor(text=[text for text, _ in texts], images=pictures or None, videos=videos, padding=True, return_tensors="pt")
    save_file({name: value.contiguous() for name, value in inputs.items()}, folder / "processor.safetensors")
    (folder / "processor.json").write_text(json.dumps(rows, indent=1) + "\n")
    greedy = {"do_sample": False, "max_new_tokens": 10}
    video = [{"type": "video", "video": [ONE, FLAT, LOSSY]}, {"type": "text", "text": "What happens?"}]
    pipe = pipeline("image-text-to-text", model=model, processor=processor, device="cpu")
    answers = []
    for content, options in [(video, greedy), ([{"type": "image", "url": THIRD}] + video, greedy | {"return_full_text": False})]:
        inputs = [{"role": "user", "content": content}]
        keywords = {"generate_kwargs": greedy} | {k: v for k, v in options.items() if k == "return_full_text"}
        expected = without_paths(plain(pipe(text=with_paths(inputs), **keywords)))
        answers.append({"task": "image-text-to-text", "inputs": inputs, "options": options, "expected": expected})
    finish(folder, answers)


def upright(picture):
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture).convert("RGB")


def llava():
    image_processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": 10}, crop_size={"height": 8, "width": 8})
    processor = transformers.LlavaProcessor(
        image_processor,
        tokenizer_with("<image>"),
        patch_size=4,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    vision = TOWER | dict(model_type="clip_vision_model", projection_dim=8)
    texts = [("Look at {} and say\nwhat it is.", [ONE]), ("{}{} the same?", [THIRD, TURNED]), ("{}", [TURNED])]
    write("llava", dict(vision_config=vision), processor, "<image>", texts, "<image>\n")


def qwen2_vl():
    image_processor = transformers.Qwen2VLImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 320}, patch_size=4, merge_size=2
    )
    tokens = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    processor = with_no_videos(transformers.Qwen2VLProcessor, image_processor, tokenizer_with(*tokens))
    vision = dict(depth=1, embed_dim=16, hidden_size=16, num_heads=2, mlp_ratio=2, patch_size=4)
    rope = dict(rope_type="default", rope_theta=10000.0, mrope_section=[1, 2, 1])
    text = dict(num_attention_heads=2, num_key_value_heads=1, rope_parameters=rope)
    ids = {f"{name}_token_id": processor.tokenizer.convert_tokens_to_ids(f"<|{token}|>") for name, token in
           [("vision_start", "vision_start"), ("vision_end", "vision_end"), ("video", "video_pad")]}
    image = "<|vision_start|>{}<|vision_end|>"
    texts = [(f"Look at {image} and say\nwhat it is.", [ONE]), (f"{image}{image} the same?", [THIRD, TURNED])]
    config = dict(vision_config=vision, text_config=text) | ids
    write("qwen2_vl", config, processor, "<|image_pad|>", texts, image.format("<|image_pad|>"))


def qwen2_vl_video():
    """Pictures of one size one after the other are videos: an odd number of them, larger and smaller than what is wanted."""
    # Files are decoded by Pillow, as everywhere else, and not by torchvision's own libraries.
    decoded = lambda file: torch.from_numpy(np.array(upright(Image.open(file)))).permute(2, 0, 1)  # noqa: E731
    transformers.image_processing_backends.load_image_as_tensor = decoded
    size = {"shortest_edge": 64, "longest_edge": 320}
    image_processor = transformers.Qwen2VLImageProcessorPil(size=size, patch_size=4, merge_size=2)
    video_processor = transformers.Qwen2VLVideoProcessor(size=size, patch_size=4, merge_size=2)
    tokens = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    processor = transformers.Qwen2VLProcessor(image_processor, tokenizer_with(*tokens), video_processor)
    vision = dict(depth=1, embed_dim=16, hidden_size=16, num_heads=2, mlp_ratio=2, patch_size=4)
    rope = dict(rope_type="default", rope_theta=10000.0, mrope_section=[1, 2, 1])
    text = dict(num_attention_heads=2, num_key_value_heads=1, rope_parameters=rope)
    ids = {f"{name}_token_id": processor.tokenizer.convert_tokens_to_ids(f"<|{token}|>") for name, token in
           [("vision_start", "vision_start"), ("vision_end", "vision_end"), ("video", "video_pad")]}
    mark = "<|vision_start|><|{}_pad|><|vision_end|>"
    image, video = mark.format("image"), mark.format("video")
    texts = [(f"Look at {video} and say\nwhat it is.", [[ONE, FLAT, LOSSY]]), (f"{image}{video} the same?", [THIRD, [SMALL, THIRD]])]
    config = dict(vision_config=vision, text_config=text) | ids
    template = "{% elif c.type == 'video' %}" + video
    write("qwen2_vl", config, processor, "<|image_pad|>", texts, image + template, name="qwen2_vl-video")


def idefics3(model_type="idefics3"):
    kind = "Idefics3" if model_type == "idefics3" else "SmolVLM"
    image_processor = getattr(transformers, f"{kind}ImageProcessorPil")(
        size={"longest_edge": 16}, max_image_size={"longest_edge": 8}
    )
    tokens = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]
    tokens += [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    build = transformers.Idefics3Processor if model_type == "idefics3" else partial(with_no_videos, transformers.SmolVLMProcessor)
    processor = build(image_processor, tokenizer_with(*tokens), image_seq_len=4)
    vision = TOWER | dict(num_hidden_layers=1, image_size=8, patch_size=2)
    texts = [("Look at {} and say\nwhat it is.", [ONE]), ("{}{} the same?", [THIRD, TURNED])]
    write(model_type, dict(vision_config=vision), processor, "<image>", texts, "<image>")


def blip_2():
    image_processor = transformers.BlipImageProcessorPil(size={"height": 8, "width": 8})
    processor = transformers.Blip2Processor(image_processor, tokenizer_with("<image>"), num_query_tokens=3)
    qformer = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2)
    texts = [("Question: what does the café sell? Answer:", [ONE]), ("Who?", [TURNED]), ("a photo of", [THIRD])]
    config = dict(vision_config=TOWER, qformer_config=qformer, num_query_tokens=3)
    write("blip-2", config, processor, "<image>", texts, "<image>")


OPT = dict(model_type="opt", hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=16)
OPT |= dict(max_position_embeddings=512, dropout=0.0, pad_token_id=0, bos_token_id=1, eos_token_id=2)
KINDS = {"blip-2": blip_2} | {"llava": llava, "qwen2_vl": qwen2_vl, "idefics3": idefics3, "smolvlm": lambda: idefics3("smolvlm")}
VIDEOS = {"qwen2_vl_video": qwen2_vl_video}  # not among those that are written without a name


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for kind in sys.argv[1:] or KINDS:
        (KINDS | VIDEOS)[kind]()


if __name__ == "__main__":
    main()
