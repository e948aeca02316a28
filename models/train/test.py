"""Checks of the training code: `python3 models/train/test.py` (seconds; needs PyTorch and a C compiler)."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import bitnet
import bpe
import corpus
import gguf
from fast import FastModel, build
from sample import Sampler

TEXT = "Once upon a time there was a king who had three sons, and the youngest of them was called Hans. 'Go,' said the king. " * 20
SMALL = bitnet.Config(width=128, inner=192, layers=2, heads=2, kv_heads=1, vocab=320)


def unpack(raw: bytes, kind: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and block scales of TQ2_0 or Q2_0 bytes, element by element as ggml's dequantisers read them."""
    size, width = (66, 256) if kind == gguf.TQ2_0 else (18, 64)
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, size)
    at = 64 if kind == gguf.TQ2_0 else 0
    scales = blocks[:, at : at + 2].copy().view("<f2")[:, 0]
    out = np.zeros((len(blocks), width), np.int8)
    for b, block in enumerate(blocks):
        for i in range(width):
            if kind == gguf.TQ2_0:
                half, rest = divmod(i, 128)
                code = block[half * 32 + rest % 32] >> 2 * (rest // 32) & 3
            else:
                code = block[2 + i // 4] >> 2 * (i % 4) & 3
            out[b, i] = int(code) - 1
    return out, scales


class Tokenizing(unittest.TestCase):
    tok = bpe.Tokenizer(bpe.train_merges([TEXT], 59))

    def test_round_trip(self) -> None:
        for text in (TEXT, "  two  spaces\n\n\tand 12 é 日本 it's", "", "\n", "x_y"):
            self.assertEqual(self.tok.decode(self.tok.encode(text)), text)

    def test_specials_are_not_read_from_text(self) -> None:
        self.assertTrue(all(i < 315 for i in self.tok.encode("<|end|>")))
        self.assertEqual(self.tok.chat(("user", "Hi"))[0], self.tok.user)

    def test_save_and_load(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.tok.save(Path(folder), 64)
            again = bpe.Tokenizer.load(Path(folder) / "tokenizer.json")
        self.assertEqual(again.merges, self.tok.merges)
        self.assertEqual(again.encode(TEXT), self.tok.encode(TEXT))


class HoldingOut(unittest.TestCase):
    def test_repeats_are_cut_with_the_gaps_between_them(self) -> None:
        held = [f"the {w} went over the hill to the mill and saw the miller there with {w}" for w in ("fox", "bear", "wolf")]
        other = [f"a {w} sat by the fire and thought about nothing but soup and bread, said {w}" * 3 for w in ("dog", "hen", "cow")]
        seen = corpus.shingles(" ".join(held))
        story = corpus.Story("t", ["Too short a piece to keep.", held[0], "Short.", held[1], *other])
        pieces = corpus.without(story, seen)
        self.assertEqual([p.paragraphs for p in pieces], [other])
        self.assertFalse(pieces[0].starts)


class Packing(unittest.TestCase):
    def test_blocks_read_back(self) -> None:
        rng = np.random.default_rng(0)
        for kind, pack, width in ((gguf.TQ2_0, gguf.tq2_0, 256), (gguf.Q2_0, gguf.q2_0, 64)):
            codes = rng.integers(-1, 2, size=(3, 2 * width))
            out, scales = unpack(pack(codes, 0.25), kind)
            self.assertTrue((out.reshape(codes.shape) == codes).all())
            self.assertTrue((scales == 0.25).all())


class Models(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.flat = bitnet.init(SMALL, 3)
        self.fast = FastModel(SMALL, self.flat.clone(), build(Path(self.folder.name)))
        ids = torch.from_numpy(np.random.default_rng(1).integers(0, SMALL.vocab, size=(2, 33)))
        self.x, self.y = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()

    def tearDown(self) -> None:
        self.folder.cleanup()

    def test_fast_and_plain_agree(self) -> None:
        flat = self.flat.clone().requires_grad_()
        plain = bitnet.forward(SMALL, bitnet.views(SMALL, flat), self.x).flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(plain, self.y.flatten())
        loss.backward()
        z, *saved = self.fast.forward(self.x)
        self.assertLess(float((z.float() - plain).pow(2).mean().sqrt() / plain.std()), 0.05)
        ce, _ = self.fast.loss(z, self.y)
        self.assertAlmostEqual(float(ce.mean()), float(loss), delta=0.01)
        self.fast.backward(self.x, z, *saved)
        assert flat.grad is not None
        for name, g in bitnet.views(SMALL, flat.grad).items():
            cosine = torch.cosine_similarity(g.flatten(), self.fast.g[name].flatten(), 0)
            self.assertGreater(float(cosine), 0.99, name)

    def test_distillation_ends_where_the_teacher_is(self) -> None:
        z = self.fast.forward(self.x, keep=False)[0]
        _, kl = self.fast.loss(z.clone(), self.y, z, 1.0)
        self.assertLess(float(kl.abs().max()), 1e-3)

    def test_cached_generation_follows_the_forward_pass(self) -> None:
        params = bitnet.views(SMALL, self.flat)
        told = Sampler(SMALL, params).generate([[1, 2, 3], [4]], 24, 0.0, np.random.default_rng(0))
        best = bitnet.forward(SMALL, params, torch.tensor(told)).argmax(-1)
        for row, guess, known in zip(told, best.tolist(), (3, 1)):
            self.assertEqual(row[known:], guess[known - 1 : -1])


if __name__ == "__main__":
    unittest.main()
