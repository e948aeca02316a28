"""Text of the target's own, for the draft to learn from: what it will have to foretell when it works."""

import numpy as np
import torch

from bitnet import views
from data import Rows
from fast import FastModel
from sample import Sampler

LENGTH = 256
COUNT = 128  # rows sampled at a time
TEMPERATURES = (0.0, 0.7, 1.0, 1.0)


class OwnText:
    """A growing pool of rows [LENGTH + 1] that a resting target continued from requests and beginnings of stories."""

    def __init__(self, target: FastModel, rows: Rows):
        self.sampler = Sampler(target.c, views(target.c, target.flat.clone()), torch.bfloat16)
        self.rows = rows
        self.pool = np.empty((0, LENGTH + 1), dtype=np.int64)

    def prompt(self, rng: np.random.Generator) -> list[int]:
        tok = self.rows.tok
        if rng.random() < 0.6:
            told = self.rows.telling(rng, LENGTH)
            return told[: told.index(tok.assistant) + 1]
        at = rng.integers(len(self.rows.stream) - LENGTH)
        return self.rows.stream[at : at + rng.integers(4, 64)].tolist()

    def grow(self, seed: int) -> None:
        """Sample COUNT more rows, at a temperature that changes with `seed`."""
        rng = np.random.default_rng((seed, 1))
        temperature = TEMPERATURES[seed % len(TEMPERATURES)]
        told = self.sampler.generate([self.prompt(rng)[:LENGTH] for _ in range(COUNT)], LENGTH + 1, temperature, rng)
        self.pool = np.concatenate([self.pool, np.array(told, dtype=np.int64)])

    def batch(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """[count, LENGTH + 1] ids drawn from the pool."""
        return self.pool[rng.integers(len(self.pool), size=count)]
