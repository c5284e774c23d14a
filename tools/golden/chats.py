#!/usr/bin/env python3
"""Writes what TRL's SFTTrainer and the reference's collator make of rows: python chats.py src/imago/train/testdata/chat

The folder gets a small byte-level tokenizer with a chat template that marks what the assistant says, the same template without the marks
in untold/, golden.json with tokens and masks of each row, and masking.json with batches of masked language modelling.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

warnings.filterwarnings("ignore")
transformers.utils.logging.set_verbosity_error()

MARKED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>\n"
    "{% endgeneration %}{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
UNMARKED = MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")
TURN = lambda role, content: {"role": role, "content": content}
LONG = [TURN("system", "Be kind."), TURN("user", "How are you?"), TURN("assistant", "Well, and you?"), TURN("user", "Well."),
        TURN("assistant", "That is good to hear.")]
CASES = [
    ({"messages": LONG}, False, 1024),
    ({"messages": LONG}, True, 1024),
    ({"messages": LONG}, True, 60),
    ({"prompt": "The sky is", "completion": " blue."}, False, 1024),
    ({"prompt": LONG[:2], "completion": LONG[2:3]}, False, 1024),
    ({"prompt": LONG[:4], "completion": LONG[4:]}, True, 1024),
    ({"text": "Plain text, and no more."}, False, 1024),
    ({"text": "It ends.<|im_end|>"}, False, 1024),
]


def make_tokenizer(out):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    text = [json.dumps(case[0]) for case in CASES] + ["the sky is well and good to hear, you are blue"] * 3
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=["<|im_start|>", "<|im_end|>", "<mask>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(text, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>", mask_token="<mask>")
    fast.chat_template = MARKED
    fast.save_pretrained(out)
    (out / "untold").mkdir(exist_ok=True)
    (out / "untold" / "chat_template.jinja").write_text(UNMARKED)
    return PreTrainedTokenizerFast.from_pretrained(out)


def sft(tokenizer, row, assistant_only, max_length):
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8,
                                                                   num_hidden_layers=1, num_attention_heads=1))
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(output_dir=folder, use_cpu=True, report_to="none", assistant_only_loss=assistant_only, max_length=max_length,
                             bf16=False, eos_token="<|im_end|>", per_device_train_batch_size=1)
        trainer = SFTTrainer(model=model, args=settings, train_dataset=Dataset.from_list([row]), processing_class=tokenizer)
        batch = next(iter(trainer.get_train_dataloader()))
    return batch["input_ids"][0].tolist(), [int(label != -100) for label in batch["labels"][0].tolist()]


def masking(tokenizer):
    texts = ["the sky is blue, and you are well", "good to hear"]
    cases = []
    for whole in (False, True):
        texts = texts[:1] if whole else texts  # offsets are not padded
        rows = [tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True) for text in texts]
        collator = DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=0.4, whole_word_mask=whole)
        torch.manual_seed(5)
        keys = ("input_ids", "attention_mask", "special_tokens_mask") + (("offset_mapping",) if whole else ())
        batch = collator([{key: row[key] for key in keys} for row in rows])
        cases.append({"texts": texts, "whole_word_mask": whole, "input_ids": batch["input_ids"].flatten().tolist(),
                      "labels": batch["labels"].flatten().tolist()})
    return {"cases": cases}


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(out)
    cases = []
    for row, assistant_only, max_length in CASES:
        ids, learned = sft(tokenizer, row, assistant_only, max_length)
        cases.append({"row": row, "assistant_only_loss": assistant_only, "max_length": max_length, "input_ids": ids, "learned": learned})
    (out / "golden.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
    (out / "masking.json").write_text(json.dumps(masking(tokenizer), indent=1) + "\n")


if __name__ == "__main__":
    main()
