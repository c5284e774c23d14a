"""Inputs and labels for each auto class."""

import torch
from series_inputs import INPUTS as SERIES_INPUTS
from speech_inputs import INPUTS as SPEECH_INPUTS

# What pre-training also asks about two sentences.
PAIR_LABELS = {"bert": "next_sentence_label", "big_bird": "next_sentence_label", "albert": "sentence_order_label"}
FIRST_ORDINARY_ID = 5  # below it: padding, begin, end and the like


def make_inputs(config, auto_class: str, seed: int, **options) -> dict[str, torch.Tensor]:
    """`options` are keywords of InputMaker, or of the maker that a model type has for itself."""
    if maker := (SERIES_INPUTS | SPEECH_INPUTS).get(config.model_type):
        return maker(config, auto_class, generator=torch.Generator().manual_seed(seed + 1000), **options)
    return InputMaker(config, seed, **options).make(auto_class)


class InputMaker:
    """Draws everything from one generator, so that a seed says all."""

    def __init__(
        self,
        config,
        seed: int,
        batch: int = 2,
        tokens: int = 10,
        padding: str = "none",
        mask: bool = True,
        token_types: bool = False,
        choices: int = 3,
        target_tokens: int = 7,
        labels: bool = True,
        separators: bool = False,
    ):
        self.config, self.batch, self.tokens, self.padding, self.mask = config, batch, tokens, padding, mask
        self.token_types, self.choices, self.target_tokens, self.labels = token_types, choices, target_tokens, labels
        self.separators = separators  # a question ends in each row but the first
        self.generator = torch.Generator().manual_seed(seed + 1000)

    def make(self, auto_class: str) -> dict[str, torch.Tensor]:
        several = auto_class in ("AutoModelForMultipleChoice", "GPT2DoubleHeadsModel")
        rows = (self.batch, self.choices) if several else (self.batch,)
        ids = self._integers(FIRST_ORDINARY_ID, self.config.vocab_size, *rows, self.tokens)
        if self.config.is_encoder_decoder:
            ids[..., -1] = self.config.eos_token_id
        if self.separators:
            for row in range(1, self.batch):
                ids[row, row + 2] = self.config.sep_token_id
        inputs = {"input_ids": ids}
        real = self._pad(inputs)
        if self.mask:
            inputs["attention_mask"] = real.long()
        if self.token_types:
            inputs["token_type_ids"] = torch.where(real, (torch.arange(self.tokens) >= self.tokens // 2).long(), 0)
        if getattr(self.config, "add_cross_attention", False):  # a decoder of another encoder, whose last token is padding
            shape = (self.batch, self.target_tokens, self.config.hidden_size)
            inputs["encoder_hidden_states"] = torch.randn(shape, generator=self.generator)
            inputs["encoder_attention_mask"] = torch.ones(shape[:2], dtype=torch.long)
            inputs["encoder_attention_mask"][-1, -1] = 0
        if auto_class == "AutoModel" and self.config.is_encoder_decoder:
            inputs["decoder_input_ids"] = self._integers(
                FIRST_ORDINARY_ID, self.config.vocab_size, self.batch, self.target_tokens
            )
        if self.labels:
            inputs.update(self._labels(auto_class, ids, real))
        return inputs

    def _integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=self.generator)

    def _pad(self, inputs: dict) -> torch.Tensor:
        """Pads row i by i + 1 positions (never the first row); returns where real tokens are."""
        ids = inputs["input_ids"]
        real = torch.ones_like(ids, dtype=torch.bool)
        if self.padding != "none":
            for row in range(1, self.batch):
                missing = min(row + 2, self.tokens - 2)
                if self.padding == "left":
                    real[row, ..., :missing] = False
                else:
                    real[row, ..., self.tokens - missing :] = False
                    if self.config.is_encoder_decoder:
                        ids[row, ..., self.tokens - missing - 1] = self.config.eos_token_id
            ids.masked_fill_(~real, self.config.pad_token_id)
        return real

    def _labels(self, auto_class: str, ids: torch.Tensor, real: torch.Tensor) -> dict[str, torch.Tensor]:
        config = self.config
        if auto_class in ("AutoModelForCausalLM", "AutoModelForPreTraining") and config.model_type in ("gpt2", "llama"):
            return {"labels": torch.where(_predictable(real), ids, -100)}
        if auto_class == "AutoModelForCausalLM":
            return {"labels": torch.where(_predictable(real), ids, -100)}
        if auto_class == "AutoModelForPreTraining" and config.model_type == "electra":  # which tokens were replaced
            return {"labels": self._integers(0, 2, *ids.shape)}
        if auto_class in ("AutoModelForMaskedLM", "AutoModelForPreTraining") and not config.is_encoder_decoder:
            chosen = (self._integers(0, 3, *ids.shape) == 0) & real
            chosen[..., 0, 1] = True  # a mean over no label at all would be NaN
            labels = {"labels": torch.where(chosen, self._integers(0, config.vocab_size, *ids.shape), -100)}
            if auto_class == "AutoModelForPreTraining" and config.model_type in PAIR_LABELS:
                labels[PAIR_LABELS[config.model_type]] = self._integers(0, 2, self.batch)
            return labels
        if auto_class in ("AutoModelForSeq2SeqLM", "AutoModelForPreTraining"):
            labels = self._integers(FIRST_ORDINARY_ID, config.vocab_size, self.batch, self.target_tokens)
            labels[:, -1] = config.eos_token_id
            labels[-1, -2:] = torch.tensor([config.eos_token_id, -100])
            return {"labels": labels}
        if auto_class == "GPT2DoubleHeadsModel":  # what comes next, and which of the texts is the likeliest
            ends = self._integers(self.tokens // 2, self.tokens, self.batch, self.choices)
            labels = {"labels": torch.where(real, ids, -100), "mc_labels": self._integers(0, self.choices, self.batch)}
            return labels | {"mc_token_ids": ends}
        if auto_class == "AutoModelForNextSentencePrediction":
            return {"labels": self._integers(0, 2, self.batch)}
        if auto_class == "AutoModelForMultipleChoice":
            return {"labels": self._integers(0, self.choices, self.batch)}
        if auto_class == "AutoModelForTokenClassification":
            return {"labels": torch.where(real, self._integers(0, config.num_labels, *ids.shape), -100)}
        if auto_class == "AutoModelForQuestionAnswering":
            start = self._integers(0, self.tokens // 2, self.batch)
            return {"start_positions": start, "end_positions": start + 2}
        if auto_class == "AutoModelForSequenceClassification":
            return {"labels": self._class_labels()}
        return {}

    def _class_labels(self) -> torch.Tensor:
        problem, number = self.config.problem_type, self.config.num_labels
        if problem == "multi_label_classification":
            return self._integers(0, 2, self.batch, number).float()
        if problem == "regression" or (problem is None and number == 1):
            return torch.randn((self.batch,) if number == 1 else (self.batch, number), generator=self.generator)
        return self._integers(0, number, self.batch)


def _predictable(real: torch.Tensor) -> torch.Tensor:
    """The first token behind left padding is predicted from a query that sees no key, which means nothing: no label."""
    before = real.roll(1, dims=1)
    before[:, 0] = True
    return real & before
