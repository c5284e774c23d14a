"""Trains the embedded story model on a folder of books and writes a checkpoint folder.

    python tools/story/train.py TEXTS OUT --until 18:30

The learning rate follows the clock and not a number of steps, so that training ends at a given time on a machine that
is shared with other work. The checkpoint with the lowest held-out loss is kept.
"""

import argparse
import datetime
import json
import math
import time
from pathlib import Path

import torch
from optimizer import Muon
from text import split_books
from tokenizer import save_tokenizer, train_tokenizer
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("texts", type=Path, help="folder of books, one .txt each")
    p.add_argument("out", type=Path, help="checkpoint folder to write")
    p.add_argument("--until", required=True, help="local time HH:MM at which training ends")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--vocab-size", type=int, default=4096)
    p.add_argument("--hidden-size", type=int, default=256)
    p.add_argument("--layers", type=int, default=6)
    p.add_argument("--intermediate-size", type=int, default=768)
    p.add_argument("--batch-tokens", type=int, default=4096)
    p.add_argument("--sequence", type=int, default=256)
    p.add_argument("--long-sequence", type=int, default=512, help="used from --long-from of the time on")
    p.add_argument("--long-from", type=float, default=0.85)
    p.add_argument("--resume", action="store_true", help="begin with the weights in OUT; a new schedule starts")
    p.add_argument("--decay", type=float, default=0.5, help="last part of the time, in which the rate falls to zero")
    p.add_argument("--muon-lr", type=float, default=0.02)
    p.add_argument("--adamw-lr", type=float, default=0.004)
    p.add_argument("--weight-decay", type=float, default=0.1)
    p.add_argument("--warmup", type=float, default=0.01, help="part of the time")
    p.add_argument("--evaluate-every", type=float, default=400.0, help="seconds")
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def build_model(args, end_of_text: int) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=args.vocab_size,
        hidden_size=args.hidden_size,
        intermediate_size=args.intermediate_size,
        num_hidden_layers=args.layers,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=args.long_sequence,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        use_cache=False,
        attn_implementation="sdpa",
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.mul_(1 / math.sqrt(2 * args.layers))
    return model


class Batches:
    """Endless batches of random windows that cover the token stream once before any of it is seen again."""

    def __init__(self, tokens: torch.Tensor, seed: int):
        self.tokens, self.generator, self.starts, self.length = tokens, torch.Generator().manual_seed(seed), None, 0
        self.seen = 0

    def next(self, rows: int, length: int) -> torch.Tensor:
        if self.starts is None or len(self.starts) < rows or self.length != length:
            offset = int(torch.randint(length, (1,), generator=self.generator))
            starts = torch.arange(offset, len(self.tokens) - length, length)
            self.starts, self.length = starts[torch.randperm(len(starts), generator=self.generator)], length
        taken, self.starts = self.starts[:rows], self.starts[rows:]
        self.seen += rows * length
        return torch.stack([self.tokens[s : s + length + 1] for s in taken.tolist()])


def loss_of(model, rows: torch.Tensor) -> torch.Tensor:
    logits = model(input_ids=rows[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def held_out_loss(model, tokens: torch.Tensor, length: int, limit: int | None = None) -> float:
    rows = tokens[: (len(tokens) - 1) // length * length + 1].unfold(0, length + 1, length)[:limit]
    model.eval()
    losses = [loss_of(model, part) * len(part) for part in rows.split(8)]
    model.train()
    return float(sum(losses) / len(rows))


def save(model, out: Path, args, end_of_text: int) -> None:
    model.config.use_cache = True
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.8,
        top_k=50,
        top_p=0.95,
        max_new_tokens=256,
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        pad_token_id=end_of_text,
    )
    state = {k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}
    model.config.dtype = torch.bfloat16
    copy = LlamaForCausalLM(model.config).to(torch.bfloat16)
    copy.load_state_dict(state)
    copy.generation_config = model.generation_config
    copy.save_pretrained(out)
    model.config.use_cache, model.config.dtype = False, torch.float32


def encode(tokenizer, texts: list[str], end_of_text: int) -> torch.Tensor:
    ids = [
        i
        for text in tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
        for i in [end_of_text, *text.ids]
    ]
    return torch.tensor(ids + [end_of_text])


def main() -> None:
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    training, held = split_books(args.texts)
    tokenizer = train_tokenizer(training, args.vocab_size)
    save_tokenizer(tokenizer, args.out)
    end_of_text = tokenizer.eos_token_id
    train_tokens, held_tokens = (encode(tokenizer, texts, end_of_text) for texts in (training, held))
    model, first, before = build_model(args, end_of_text), 0, dict(seconds=0, tokens=0, steps=0)
    if args.resume:
        model.load_state_dict(LlamaForCausalLM.from_pretrained(args.out, dtype=torch.float32).state_dict())
        before = json.loads((args.out / "training.json").read_text())
        first = before["steps"]
    parameters = sum(p.numel() for p in model.parameters())
    print(
        f"{len(training)} + {len(held)} documents, {len(train_tokens)} + {len(held_tokens)} tokens, {parameters} parameters",
        flush=True,
    )

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        Muon(matrices, args.muon_lr, weight_decay=args.weight_decay),
        torch.optim.AdamW(others, args.adamw_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]
    peaks = [args.muon_lr, args.adamw_lr]

    compiled = torch.compile(model, dynamic=False)
    begin = time.time()
    hour, minute = map(int, args.until.split(":"))
    end = datetime.datetime.now().replace(hour=hour, minute=minute, second=0).timestamp()
    batches, best, step, smooth, evaluated = Batches(train_tokens, args.seed + first), math.inf, first, None, begin
    while (progress := (time.time() - begin) / (end - begin)) < 1:
        # Trapezoid: constant, then linear to zero.
        rate = min(1.0, progress / args.warmup, (1 - progress) / args.decay) if step > first else 1e-3
        for optimizer, peak in zip(optimizers, peaks):
            optimizer.param_groups[0]["lr"] = peak * rate
        length = args.long_sequence if progress >= args.long_from else args.sequence
        loss = loss_of(compiled, batches.next(args.batch_tokens // length, length))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        smooth = loss.item() if smooth is None else 0.97 * smooth + 0.03 * loss.item()
        now = time.time()
        if step % 10 == 0:
            print(
                f"{now - begin:7.0f} s  step {step:5d}  loss {loss.item():.4f}  mean {smooth:.4f}  "
                f"{batches.seen / (now - begin):6.0f} tokens/s  lr {rate:.3f}",
                flush=True,
            )
        if now - evaluated > args.evaluate_every or now > end:
            held_loss = held_out_loss(model, held_tokens, args.sequence, limit=64 if now < end else None)
            print(f"{now - begin:7.0f} s  step {step:5d}  held-out {held_loss:.4f}", flush=True)
            if held_loss < best or now > end:
                best = held_loss
                save(model, args.out, args, end_of_text)
                (args.out / "training.json").write_text(
                    json.dumps(
                        dict(
                            seconds=before["seconds"] + round(now - begin),
                            steps=step,
                            tokens=before["tokens"] + batches.seen,
                            train_tokens=len(train_tokens),
                            parameters=parameters,
                            train_loss=smooth,
                            held_out_loss=held_loss,
                        ),
                        indent=1,
                    )
                )
            evaluated = time.time()


if __name__ == "__main__":
    main()
