"""Trains the tokenizer, the target and its draft, and writes them as GGUF: one command, resumable.

    python3 models/train/train.py --corpus DIR

Phase `pair`: the target learns from the text; the draft, every other step, learns the target's distribution.
Phase `draft`: the target rests; only the draft goes on, partly on text that the target writes. Each phase has a
budget of minutes of training time, over which its learning rate falls (cosine) and the length of the rows grows
(256, 512, 1024).
"""

import argparse
import json
import math
import os
import pickle
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before libgomp starts; see `workers`

import numpy as np
import torch
from torch import Tensor

import bpe
import corpus as corpora
from bitnet import Config, init, ternary_count
from data import Rows, windows
from export import export_pair
from fast import FastModel, build
from own import OwnText

HERE = Path(__file__).resolve().parent
TOKENS = 4096  # a step
LENGTHS = ((0.55, 256), (0.85, 512), (1.0, 1024))  # up to this part of a phase, rows of this length
CONTEXT = LENGTHS[-1][1]
WARMUP = 200  # steps
OWN = 0.4  # of the draft phase's batches are the target's own text
GROW = 60  # draft-phase steps between two samplings of it
PART = 0.9  # of the draft's loss that is the divergence from the target


@dataclass
class State:
    """What a checkpoint holds besides weights and moments."""

    step: int = 0
    draft_step: int = 0
    pair_seconds: float = 0.0
    draft_seconds: float = 0.0
    tokens: int = 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder with tales.jsonl and fairytaleqa.jsonl")
    parser.add_argument("--out", type=Path, default=HERE.parent / "embedded", help="where the tokenizer and the models go")
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="checkpoints and caches")
    parser.add_argument("--minutes", type=float, default=60, help="training time of phase `pair`")
    parser.add_argument("--draft-minutes", type=float, default=15, help="training time of phase `draft`")
    parser.add_argument("--rate", type=float, default=2.5e-3, help="highest learning rate")
    parser.add_argument("--decay", type=float, default=0.1, help="weight decay in the first half of phase `pair`")
    parser.add_argument("--dropout", type=float, default=0.1, help="part of the target's layers' output that is dropped in training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--target", type=json.loads, default={}, help='sizes, as {"width": 256, "inner": 768, "layers": 8, "heads": 4, "kv_heads": 2}')
    parser.add_argument("--draft", type=json.loads, default={}, help="sizes of the draft")
    return parser.parse_args()


def prepare(args: argparse.Namespace) -> tuple[bpe.Tokenizer, corpora.Corpus]:
    """The cleaned corpus (cached) and the tokenizer (trained on it, unless it exists)."""
    cache = args.work / "corpus.pickle"
    args.work.mkdir(parents=True, exist_ok=True)
    if not cache.exists():
        cache.write_bytes(pickle.dumps(corpora.read(args.corpus)))
    corpus: corpora.Corpus = pickle.loads(cache.read_bytes())
    if not (args.out / "tokenizer.json").exists():
        texts = ["\n\n".join(s.paragraphs) for s in corpus.train] + [f"{q.question}\n{q.answer}" for q in corpus.questions]
        merges = bpe.train_merges(texts, bpe.VOCAB_SIZE - 256 - len(bpe.SPECIALS))
        bpe.Tokenizer(merges).save(args.out, CONTEXT)
    return bpe.Tokenizer.load(args.out / "tokenizer.json"), corpus


def length_at(progress: float) -> int:
    return next((length for until, length in LENGTHS if progress < until), CONTEXT)


def rate_at(top: float, step: int, progress: float, floor: float = 0.03) -> float:
    """Linear warmup in steps, then a cosine over the time budget down to `floor` of the top."""
    cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return top * cosine * min(1.0, (step + 1) / WARMUP)


def draft_rate(top: float, step: int, pair: bool, progress: float) -> float:
    """Level while the target moves, then a cosine."""
    return rate_at(top, step, 0.0 if pair else progress)


def learn(worker: tuple[FastModel, FastModel], x: Tensor, y: Tensor, pair: bool, teach: bool) -> tuple[float, float, float]:
    """One worker's part of a step, gradients left in it: the target's loss, the draft's, and the draft's divergence."""
    target, draft = worker
    z, *kept = target.forward(x, keep=pair)
    ce, kl = torch.zeros(1), torch.zeros(1)
    if teach:
        zd, *kept_draft = draft.forward(x)
        ce, kl = draft.loss(zd, y, z, PART)
        draft.backward(x, zd, *kept_draft)
    loss = target.loss(z, y)[0] if pair else torch.zeros(1)
    if pair:
        target.backward(x, z, *kept)
    return float(loss.mean()), float(ce.mean()), float(kl.mean())


def gather(model: FastModel, workers: list[FastModel]) -> None:
    """The mean of the workers' gradients, in `model` (which is the first of them)."""
    for worker in workers[1:]:
        model.grad += worker.grad
        worker.grad.zero_()
    model.grad /= len(workers)


def split(batch: np.ndarray) -> tuple[Tensor, Tensor]:
    ids = torch.from_numpy(batch)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


def validate(target: FastModel, draft: FastModel, held_out: np.ndarray) -> tuple[float, float, float]:
    """Mean loss of target and draft on windows [N, T + 1], and the mean KL of the draft to the target."""
    sums = np.zeros(3)
    for rows in np.array_split(held_out, max(1, len(held_out) // 16)):
        x, y = split(rows)
        zt, zd = target.forward(x, keep=False)[0], draft.forward(x, keep=False)[0]
        ce, kl = draft.loss(zd, y, zt, 1.0)
        sums += (float(target.loss(zt, y)[0].sum()), float(ce.sum()), float(kl.sum()))
    a, b, c = sums / held_out[:, 1:].size
    return float(a), float(b), float(c)


def save(path: Path, state: State, target: FastModel, draft: FastModel) -> None:
    content = {"state": vars(state), "configs": [m.c.to_dict() for m in (target, draft)]}
    content["models"] = [{"flat": m.flat, "m": m.m, "v": m.v} for m in (target, draft)]
    part = path.with_suffix(".part")
    torch.save(content, part)
    part.replace(path)


def load(path: Path, state: State, target: FastModel, draft: FastModel) -> None:
    content = torch.load(path)
    if content["configs"] != [m.c.to_dict() for m in (target, draft)]:
        raise SystemExit(f"{path} holds models of other sizes: {content['configs']}; remove it or choose another --work")
    vars(state).update(content["state"])
    for model, saved in zip((target, draft), content["models"]):
        for name, tensor in saved.items():
            getattr(model, name).copy_(tensor)
        model.quantise()


def main() -> None:
    args = options()
    torch.set_num_threads(1)  # one worker a thread, each with its part of the batch: they meet once a step, so a busy machine costs little
    tok, corpus = prepare(args)
    rows = Rows(tok, corpus, args.seed)
    held_out = windows(tok, corpus.held_out["val"], 256)[::5]
    seen = windows(tok, corpus.train[::25], 256)[:: 5][: len(held_out)]  # the same of the training stories: how much it learns by heart
    lib = build(args.work)
    small = {"width": 128, "inner": 384, "layers": 4, "heads": 2, "kv_heads": 1}
    configs = Config(**args.target), Config(**{**small, **args.draft})
    target, draft = (FastModel(c, init(c, args.seed + i), lib) for i, c in enumerate(configs))
    print(f"notes {corpus.notes}; {len(rows.stream)} ids of stories, {len(held_out)} windows held out", flush=True)
    print(f"ternary weights: target {ternary_count(configs[0])}, draft {ternary_count(configs[1])}", flush=True)
    target.with_dropout(args.dropout, args.seed)
    checkpoint, state = args.work / "checkpoint.pt", State()
    if checkpoint.exists():
        load(checkpoint, state, target, draft)
        print(f"resumed at {state}", flush=True)

    budget, draft_budget = args.minutes * 60, args.draft_minutes * 60
    workers = [(target, draft), *((target.twin(), draft.twin()) for _ in range(args.threads - 1))]
    pool = ThreadPoolExecutor(args.threads)
    own: OwnText | None = None
    stop: list[bool] = []  # SIGTERM: save and leave
    sums, saved_at, shown_at, shown_tokens = np.zeros(4), time.time(), time.time(), state.tokens
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    while state.draft_seconds < draft_budget and not stop:
        began = time.time()
        pair = state.pair_seconds < budget
        progress = state.pair_seconds / budget if pair else state.draft_seconds / max(draft_budget, 1)
        length = length_at(progress)
        batch = rows.batch(state.step, TOKENS // length, length)
        if not pair:
            own = own or OwnText(target, rows)
            if len(own.pool) == 0 or state.step % GROW == 0:
                own.grow(state.step // GROW, pool, args.threads)
            rng = np.random.default_rng((args.seed, state.step, 2))
            if rng.random() < OWN:
                batch = own.batch(rng, TOKENS // (own.pool.shape[1] - 1))
        x, y = split(batch)
        teach = not pair or state.step % 2 == 0
        done = list(pool.map(lambda job: learn(*job, pair, teach), zip(workers, x.chunk(args.threads), y.chunk(args.threads))))
        loss, ce, kl = np.mean(done, axis=0)
        for model, rate, decay, taught in (
            (target, rate_at(args.rate, state.step, progress), args.decay if progress < 0.5 else 0.0, pair),
            (draft, draft_rate(args.rate, state.draft_step, pair, progress), args.decay if pair else 0.0, teach),
        ):
            if taught:
                gather(model, [w[model is draft] for w in workers])
                model.update((state.draft_step if model is draft else state.step) + 1, rate, decay)
        if teach:
            state.draft_step += 1
            sums += (0, ce, kl, 1)
        sums[0] += loss / 2  # in phase `pair`, two steps of the target to one of the draft
        state.step += 1
        state.tokens += x.numel()
        if pair:
            state.pair_seconds += time.time() - began
        else:
            state.draft_seconds += time.time() - began
        if state.step % 200 == 0:
            speed = (state.tokens - shown_tokens) / (time.time() - shown_at)
            t, d, k = validate(target, draft, held_out)
            by_heart = validate(target, draft, seen)[0]
            n = sums[3]
            print(
                f"step {state.step} {'pair' if pair else 'draft'} {progress:.3f} length {length} | train target {sums[0] / n:.3f} "
                f"draft {sums[1] / n:.3f} kl {sums[2] / n:.3f} | held out target {t:.4f} (seen {by_heart:.4f}) draft {d:.4f} kl {k:.4f} | {speed:.0f} tokens/s {time.strftime('%H:%M:%S')}",
                flush=True,
            )
            sums[:], shown_at, shown_tokens = 0, time.time(), state.tokens
        if time.time() - saved_at > 120:
            save(checkpoint, state, target, draft)
            saved_at = time.time()
    save(checkpoint, state, target, draft)
    if stop:
        raise SystemExit(f"stopped at {state}; the same command goes on from there")
    export_pair(checkpoint, args.out, CONTEXT)
    print(f"done: {state}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
