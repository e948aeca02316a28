"""Writes the pair of a checkpoint as GGUF: `python3 models/train/export.py CHECKPOINT OUT`, also while training runs."""

import sys
from pathlib import Path

import torch

from bitnet import Config, ternary_count
from bpe import Tokenizer
from gguf import write

CONTEXT = 1024


def export_pair(checkpoint: Path, out: Path, context: int = CONTEXT) -> None:
    """target.gguf and draft.gguf in `out`, which already holds tokenizer.json."""
    content = torch.load(checkpoint)
    tok = Tokenizer.load(out / "tokenizer.json")
    for role, sizes, model in zip(("target", "draft"), content["configs"], content["models"]):
        config = Config(**sizes)
        count = ternary_count(config)
        about = f"BitNet b1.58, {count} ternary weights; tells fairy tales; step {content['state']['step']}"
        name = f"Shard Tales {role} {count / 1e6:.1f}M"
        size = write(out / f"{role}.gguf", config, model["flat"], tok, name, about, context)
        print(f"{out / role}.gguf {size} bytes, {name}, step {content['state']['step']}")


if __name__ == "__main__":
    export_pair(Path(sys.argv[1]), Path(sys.argv[2]))
