"""Measures a trained pair and writes the figures: `python3 models/train/evaluate.py --corpus DIR`.

Takes the checkpoint that the files were written from; runs the plain model (bitnet.py, float32) over
FairytaleQA's held-out stories; writes models/figures.json, models/embedded/validation.json, and the
tables and samples of models/README.md (between its `figures` marks).
"""

import argparse
import json
import math
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import corpus as corpora
from bitnet import Config, forward, shapes, ternary_count, views
from bpe import Tokenizer
from data import windows
from sample import Sampler

HERE = Path(__file__).resolve().parent
TEMPERATURES = (0.0, 0.7, 1.0)
SAMPLES = ("Tell me a story about a fox.", "Tell me a story about a king and a witch.", "What is the capital of France?")
Pair = tuple[tuple[Config, dict[str, Tensor]], tuple[Config, dict[str, Tensor]]]


def load_pair(checkpoint: Path) -> tuple[Pair, dict[str, Any]]:
    """Target and draft as (config, parameters), and the state of the training run."""
    content = torch.load(checkpoint)
    models = []
    for sizes, saved in zip(content["configs"], content["models"]):
        config = Config(**sizes)
        models.append((config, views(config, saved["flat"])))
    return (models[0], models[1]), content["state"]


@torch.no_grad()
def logits_of(model: tuple[Config, dict[str, Tensor]], rows: np.ndarray) -> Tensor:
    """Logits [N, T, V] after each of rows [N, T]."""
    return torch.cat([forward(*model, torch.from_numpy(part)) for part in np.array_split(rows, max(1, len(rows) // 8))])


def losses(model: tuple[Config, dict[str, Tensor]], rows: np.ndarray) -> Tensor:
    """Cross-entropy [N, T] in nats of rows [N, T + 1]."""
    parts = []
    for part in np.array_split(rows, max(1, len(rows) // 8)):
        z = logits_of(model, part[:, :-1])
        y = torch.from_numpy(part[:, 1:])
        parts.append(torch.nn.functional.cross_entropy(z.flatten(0, 1), y.flatten(), reduction="none").view(y.shape))
    return torch.cat(parts)


def agreement(p: Tensor, q: Tensor, temperature: float, rng: np.random.Generator) -> tuple[float, float]:
    """Sums over rows of logits [N, V]: tokens on which the coupled (at 0: greedy) choices agree, and overlap sum min(p, q)."""
    if temperature == 0:
        same = float((p.argmax(-1) == q.argmax(-1)).sum())
        return same, same
    lp, lq = ((z / temperature).log_softmax(-1) for z in (p, q))
    noise = torch.from_numpy(-np.log(-np.log(rng.random(p.shape).clip(1e-12, 1 - 1e-12)))).float()
    same = float(((lp + noise).argmax(-1) == (lq + noise).argmax(-1)).sum())
    return same, float(torch.minimum(lp.exp(), lq.exp()).sum())


def acceptance(pair: Pair, tok: Tokenizer, rows: list[list[int]], skip: list[int], temperatures: tuple[float, ...], rng: np.random.Generator) -> dict[str, Any]:
    """By temperature: acceptance and overlap over the predictions of each row's ids from its `skip` on."""
    longest = max(map(len, rows))
    padded = np.array([row + [tok.eot] * (longest - len(row)) for row in rows])  # behind a row's end: causal, so harmless
    wanted = torch.tensor([[first <= i < len(row) for i in range(1, longest)] for row, first in zip(rows, skip)])
    sums, count = np.zeros((len(temperatures), 2)), int(wanted.sum())
    for at in range(0, len(rows), 8):
        p, q = (logits_of(m, padded[at : at + 8, :-1])[wanted[at : at + 8]] for m in pair)
        sums += [agreement(p, q, t, rng) for t in temperatures]
    return {str(t): {"acceptance": round(a / count, 4), "overlap": round(o / count, 4), "tokens": count} for t, (a, o) in zip(temperatures, sums)}


def validation_set(tok: Tokenizer, stories: list[corpora.Story], count: int = 12, length: int = 256) -> dict[str, Any]:
    """Held-out sequences for the engines' tests: <|endoftext|>, then a story from one of its paragraphs on."""
    sequences = []
    for n, story in enumerate(s for s in stories if sum(map(len, s.paragraphs)) > 4000):
        if len(sequences) == count:
            break
        first = (n % 3) * len(story.paragraphs) // 4
        tokens = [tok.eot, *tok.encode("\n\n".join(story.paragraphs[first:]))][:length]
        if len(tokens) == length:
            sequences.append({"story": story.title, "tokens": tokens, "text": tok.decode(tokens[1:])})
    return {
        "about": "Held-out stories for tests: ids (the first is <|endoftext|>) and the text of the ids after it.",
        "source": "FairytaleQA, test split: uci-soe/FairytaleQAData (Xu et al., ACL 2022); the stories are in the public domain",
        "licence": "Apache-2.0",
        "sequences": sequences,
    }


def measure(pair: Pair, tok: Tokenizer, corpus: corpora.Corpus, prompts: list[str]) -> dict[str, Any]:
    """All figures."""
    rng = np.random.default_rng(7)
    figures: dict[str, Any] = {"loss": {}, "parameters": {}}
    for role, (config, _) in zip(("target", "draft"), pair):
        total = sum(math.prod(s) for s in shapes(config).values())
        figures["parameters"][role] = {"ternary": ternary_count(config), "all": total, **config.to_dict()}
    for split in ("val", "test"):
        stories = corpus.held_out[split]
        rows = windows(tok, stories, 256)
        chars = sum(len("\n\n".join(s.paragraphs).encode()) for s in stories)
        per_byte = sum(len(tok.encode("\n\n".join(s.paragraphs))) for s in stories) / chars
        for role, model in zip(("target", "draft"), pair):
            loss = float(losses(model, rows).mean())
            figures["loss"][f"{role} {split}"] = {"nats per token": round(loss, 4), "bits per byte": round(loss / math.log(2) * per_byte, 4), "tokens": rows[:, 1:].size}
    long = losses(pair[0], windows(tok, corpus.held_out["val"], 1024))
    figures["target loss by position"] = {f"{a}-{b}": round(float(long[:, a:b].mean()), 4) for a, b in ((0, 64), (64, 256), (256, 512), (512, 768), (768, 1024))}

    rows = windows(tok, corpus.held_out["val"], 256)[::4].tolist()
    sampler = Sampler(*pair[0])
    asked = [tok.chat(("user", p)) for p in prompts]
    figures["acceptance"] = {"held-out text": acceptance(pair, tok, rows, [1] * len(rows), TEMPERATURES, rng), "own continuations": {}}
    for t in TEMPERATURES:
        own = sampler.generate(asked, 192, t, rng, stop=tok.end)
        figures["acceptance"]["own continuations"] |= acceptance(pair, tok, own, [len(a) for a in asked], (t,), rng)

    told = sampler.generate([tok.chat(("user", s)) for s in SAMPLES], 220, 0.7, np.random.default_rng(1), stop=tok.end)
    figures["samples"] = [{"prompt": s, "reply": tok.decode(ids[len(tok.chat(("user", s))) :]).replace("<|end|>", "")} for s, ids in zip(SAMPLES, told)]
    return figures


def markdown(f: dict[str, Any]) -> str:
    """The figures as the README shows them."""
    lines = ["| | target | draft |", "|---|---|---|"]
    a, b = f["parameters"]["target"], f["parameters"]["draft"]
    lines.append(f"| ternary weights | {a['ternary']:,} | {b['ternary']:,} |")
    lines.append(f"| all parameters | {a['all']:,} | {b['all']:,} |")
    lines.append(f"| layers × width, inner width | {a['layers']} × {a['width']}, {a['inner']} | {b['layers']} × {b['width']}, {b['inner']} |")
    lines.append(f"| query / key-value heads of {a['head_width']} | {a['heads']} / {a['kv_heads']} | {b['heads']} / {b['kv_heads']} |")
    for split in ("val", "test"):
        t, d = f["loss"][f"target {split}"], f["loss"][f"draft {split}"]
        lines.append(f"| loss, {split} stories (nats per token, windows of 256; {t['tokens']:,} tokens) | {t['nats per token']:.3f} | {d['nats per token']:.3f} |")
        lines.append(f"| bits per byte, {split} stories | {t['bits per byte']:.3f} | {d['bits per byte']:.3f} |")
    lines += ["", "The target's loss by position in windows of 1,024 (val): " + ", ".join(f"{k}: {v:.2f}" for k, v in f["target loss by position"].items()) + ".", ""]
    lines += ["| acceptance of the draft | greedy | 0.7, coupled (ceiling) | 1.0, coupled (ceiling) | tokens, each |", "|---|---|---|---|---|"]
    for where, r in f["acceptance"].items():
        hot = [f"{r[t]['acceptance']:.2f} ({r[t]['overlap']:.2f})" for t in ("0.7", "1.0")]
        lines.append(f"| {where} | {r['0.0']['acceptance']:.2f} | {' | '.join(hot)} | {' / '.join(str(r[t]['tokens']) for t in ('0.0', '0.7', '1.0'))} |")
    lines += ["", "Samples at temperature 0.7, first draw:", ""]
    for s in f["samples"]:
        lines += [f"> **{s['prompt']}**", ">", "> " + s["reply"].strip().replace("\n", "\n> "), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=HERE / ".work")
    parser.add_argument("--models", type=Path, default=HERE.parent)
    parser.add_argument("--only-validation", action="store_true", help="write validation.json and stop")
    args = parser.parse_args()
    cache = args.work / "corpus.pickle"
    corpus = pickle.loads(cache.read_bytes()) if cache.exists() else corpora.read(args.corpus)
    tok = Tokenizer.load(args.models / "embedded" / "tokenizer.json")
    (args.models / "embedded" / "validation.json").write_text(json.dumps(validation_set(tok, corpus.held_out["test"]), indent=1) + "\n")
    if args.only_validation:
        return
    pair, state = load_pair(args.work / "checkpoint.pt")
    prompts = json.loads((args.models / "prompts.json").read_text())
    began = time.time()
    figures = {"training": state, **measure(pair, tok, corpus, prompts)}
    print(f"measured in {time.time() - began:.0f} s")
    (args.models / "figures.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    readme = args.models / "README.md"
    before, _, rest = readme.read_text().partition("<!-- figures -->")
    after = rest.partition("<!-- /figures -->")[2]
    readme.write_text(f"{before}<!-- figures -->\n{markdown(figures)}\n<!-- /figures -->{after}")


if __name__ == "__main__":
    main()
