"""The heads of every model type for sweep.py: what the reference registers, and what there is of it here."""

import sys
from dataclasses import dataclass
from pathlib import Path

from transformers.models.auto import modeling_auto

sys.path.append(str(Path(__file__).resolve().parents[1]))
import models  # noqa: E402  (tools/models.py: the folders and what they register)

# Classes that no auto class knows stand under the folder's first model type, but for these.
OWN_TYPES = {
    "SiglipTextModel": "siglip_text_model",
    "Blip2VisionModel": "blip_2_vision_model",
    "SpeechT5HifiGan": "speecht5_hifigan",
}
# Several auto classes give the same class, of which the one that asks most of it is taken.
FIRST = ("AutoModelForSeq2SeqLM", "AutoModelForCausalLM")
LAST = ("AutoModelForTextEncoding", "AutoModelForPreTraining", "AutoModelForMultimodalLM", "AutoModelForImageSegmentation")


@dataclass(frozen=True)
class Head:
    model_type: str
    name: str  # the reference's class
    auto_class: str  # how it is loaded: its own name where no auto class knows it
    folder: str  # of src/imago/models


def _auto_classes() -> dict[str, dict[str, str | tuple[str, ...]]]:
    """Of each auto class the class names that it gives, by model type."""
    found = {}
    for name, value in vars(modeling_auto).items():
        mapping = getattr(value, "_model_mapping", None) if isinstance(value, type) else None
        if mapping is not None:
            found[name] = dict(mapping._model_mapping)
    return dict(sorted(found.items(), key=lambda item: (item[0] in LAST, item[0] not in FIRST, item[0])))


def _registered(model_type: str) -> dict[str, str]:
    """The reference's classes of a model type, each with the auto class that gives it."""
    classes = {}
    for auto_class, mapping in _auto_classes().items():
        names = mapping.get(model_type, ())
        for name in (names,) if isinstance(names, str) else names:
            classes.setdefault(name, auto_class)
    return classes


def heads() -> tuple[list[Head], list[Head]]:
    """Those that are here, and those that the reference registers and are not."""
    here, missing = [], []
    for folder in models.folders():
        names, types = models.heads(folder), models.model_types(folder)
        known = set()
        for model_type in types:
            for name, auto_class in _registered(model_type).items():
                (here if name in names else missing).append(Head(model_type, name, auto_class, folder.name))
                known.add(name)
        first = folder.name if folder.name in types else next((t for t in types if _registered(t)), types[0])
        for name in dict.fromkeys(names):
            if name not in known:
                here.append(Head(OWN_TYPES.get(name, first), name, name, folder.name))
    return sorted(here, key=str), sorted(missing, key=str)
