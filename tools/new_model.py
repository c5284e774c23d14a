#!/usr/bin/env python3
"""Starts the folder of a new architecture, src/imago/models/<model_type>/: one source and README.

    python tools/new_model.py qwen3 --name Qwen3 --paper "Qwen Team 2025, Qwen3 Technical Report"

What it writes compiles and is registered: a bare model and a causal language model whose layers do nothing yet. With the
Python reference installed (`transformers`), the configuration's fields and defaults are the reference's. Then write the
layers, make goldens (tools/golden/make.py) and run `imago verify` until it passes; CONTRIBUTING.md walks through it.
"""

import argparse
import json
import re
import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parents[1] / "src" / "imago" / "models"

# What every configuration has (nn/config.h), and what computes nothing (the lists in nn/config.cpp say all).
COMMON = set(
    "model_type architectures pad_token_id bos_token_id eos_token_id decoder_start_token_id is_encoder_decoder "
    "tie_word_embeddings problem_type id2label label2id dtype transformers_version return_dict output_hidden_states "
    "output_attentions torchscript use_cache initializer_range _name_or_path attention_dropout hidden_dropout dropout "
    "hidden_dropout_prob attention_probs_dropout_prob classifier_dropout pretraining_tp chunk_size_feed_forward "
    "is_decoder add_cross_attention cross_attention_hidden_size".split()
)
# Where there is no reference to ask.
DEFAULTS = {"vocab_size": 32000, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
DEFAULTS |= {"intermediate_size": 3072, "layer_norm_eps": 1e-5}

SOURCE = """// @NAME@ (@PAPER@). B batch, T tokens, D hidden, H heads, K head size.
#include "imago/nn/attention.h"
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/registry.h"

namespace imago::@TYPE@ {

struct @NAME@Config : Config {
  static constexpr const char* kModelType = "@TYPE@";
@DECLARATIONS@
  FIELDS_AND(Config, @FIELDS@)
};

struct DecoderLayer : Module {
  FIELDS()

  DecoderLayer(const @NAME@Config& /*c*/, int64_t /*layer*/) {}
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& /*context*/) const { return x_BTD; }
};

struct @NAME@Model : nn::Backbone<@NAME@Config> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::LayerNorm norm;
  FIELDS(embed_tokens, layers, norm)

  explicit @NAME@Model(const @NAME@Config& c)
      : Backbone(c), embed_tokens(c.vocab_size, c.@HIDDEN@), norm(c.@HIDDEN@, @EPS@) {
    for (int64_t layer = 0; layer < c.@LAYERS@; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }

  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, embed_tokens);
    const nn::AttentionContext context = nn::causal_attention(in, x_BTD, record);
    for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
    return record.finish(norm(x_BTD));
  }
};

using @NAME@ForCausalLM = nn::ForCausalLM<@NAME@Model>;

}  // namespace imago::@TYPE@

REGISTER_MODELS(@TYPE@, @NAME@Model, @NAME@ForCausalLM)
"""

README = """# @TYPE@

@PAPER@.

What the layers are, in one sentence.

What is special:
- What differs from the nearest architecture, and where a checkpoint's or a configuration's form surprises.

Heads: `@NAME@Model`, `@NAME@ForCausalLM`.

Checkpoints of this type: those that are published.
"""


def reference_defaults(model_type: str) -> tuple[dict, dict]:
    """The reference's configuration and its own names of common keys; the most common ones where there is none."""
    try:
        from transformers import AutoConfig
    except ImportError:
        return DEFAULTS, {}
    try:
        config = AutoConfig.for_model(model_type)
    except ValueError as error:
        raise SystemExit(f"the reference does not know {model_type!r}: {str(error).splitlines()[0]}") from error
    return {key: value for key, value in config.to_dict().items() if key not in COMMON}, config.attribute_map


def declaration(key: str, value) -> str:
    """One field; what has no value by default is optional, and what is nested stays JSON."""
    if isinstance(value, bool):
        return f"  bool {key} = {str(value).lower()};"
    if isinstance(value, int):
        return f"  int64_t {key} = {value};"
    if isinstance(value, float):
        return f"  double {key} = {value!r};"
    if isinstance(value, str):
        return f"  std::string {key} = {json.dumps(value)};"
    if value is None:
        return f"  std::optional<int64_t> {key};  // or of another type: the reference has none by default"
    return f"  JsonText {key};"


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model_type", help="model_type of config.json, for example qwen3")
    p.add_argument("--name", required=True, help="prefix of the reference's classes, for example Qwen3")
    p.add_argument("--paper", default="Authors year, Title", help="what the README and the source cite")
    p.add_argument("--models", type=Path, default=MODELS, help="folder of the model folders")
    a = p.parse_args()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", a.model_type) or not re.fullmatch(r"[A-Z][A-Za-z0-9]*", a.name):
        p.error("model_type is lower case with underscores, and --name a class's prefix")
    folder = a.models / a.model_type
    if folder.exists():
        p.error(f"{folder} exists")
    fields, names = reference_defaults(a.model_type)
    hidden, layers = (names.get(key, key) for key in ("hidden_size", "num_hidden_layers"))
    if missing := {"vocab_size", hidden, layers} - fields.keys():
        p.error(f"the configuration of {a.model_type} has no {', '.join(sorted(missing))}: start from a similar model's folder")
    epsilon = [key for key in fields if key.endswith("_eps") or key.endswith("_epsilon")]
    texts = {
        "@TYPE@": a.model_type,
        "@NAME@": a.name,
        "@PAPER@": a.paper,
        "@DECLARATIONS@": "\n".join(declaration(*item) for item in fields.items()),
        "@FIELDS@": ", ".join(fields),
        "@HIDDEN@": hidden,
        "@LAYERS@": layers,
        "@EPS@": f"c.{epsilon[-1]}" if epsilon else "1e-5",
    }
    folder.mkdir(parents=True)
    (folder / "golden").mkdir()
    for name, text in ((f"{a.model_type}.cpp", SOURCE), ("README.md", README)):
        for key, value in texts.items():
            text = text.replace(key, value)
        (folder / name).write_text(text, encoding="utf-8")
    print(f"wrote {folder}. Next: clang-format it, write its layers, and")
    print(f"  python tools/golden/make.py {a.model_type} {folder / 'golden' / 'causal_lm'} --auto-class AutoModelForCausalLM")
    return 0


if __name__ == "__main__":
    sys.exit(main())
