"""Text of the target's own, for the draft to learn from: what it will have to foretell when it works."""

from concurrent.futures import ThreadPoolExecutor

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

    def tell(self, seed: tuple[int, ...], count: int) -> list[list[int]]:
        """`count` rows at a temperature that changes with the first number of `seed`."""
        rng = np.random.default_rng(seed)
        temperature = TEMPERATURES[seed[0] % len(TEMPERATURES)]
        return self.sampler.generate([self.prompt(rng)[:LENGTH] for _ in range(count)], LENGTH + 1, temperature, rng)

    def grow(self, seed: int, threads: ThreadPoolExecutor, workers: int) -> None:
        """Sample about COUNT more rows, `workers` at once."""
        told = threads.map(lambda worker: self.tell((seed, worker), COUNT // workers), range(workers))
        self.pool = np.concatenate([self.pool, np.array(sum(told, []), dtype=np.int64)])

    def batch(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """[count, LENGTH + 1] ids drawn from the pool."""
        return self.pool[rng.integers(len(self.pool), size=count)]
