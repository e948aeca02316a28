"""Generation with a key-value cache, many sequences at once, token by token."""

import math

import numpy as np
import torch
from torch import Tensor

from bitnet import EPS, Config, parts, rope_tables, rotate, ternary


class Sampler:
    """A model with its weights made ternary once; `dtype` is that of the products."""

    def __init__(self, config: Config, params: dict[str, Tensor], dtype: torch.dtype = torch.float32):
        self.c, self.dtype = config, dtype
        self.norms = {n: t for n, t in params.items() if n.endswith("norm")}
        self.embed = params["embed"]
        self.weights = {"embed": params["embed"].t().to(dtype)}
        for name, w in params.items():
            rows = parts(config, name)
            if rows is not None:
                self.weights[name] = torch.cat([codes * scale for codes, scale in map(ternary, w.split(rows))]).t().to(dtype)

    def norm(self, x: Tensor, name: str) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.norms[name]

    def linear(self, x: Tensor, name: str) -> Tensor:
        step = x.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
        return (((x / step).round() * step).to(self.dtype) @ self.weights[name]).float()

    def step(self, tokens: Tensor, at: int, cache: list[tuple[Tensor, Tensor]], cos: Tensor, sin: Tensor) -> Tensor:
        """Logits [B, V] after tokens [B] at position `at`; keys and values [B K, T, C] gain that position."""
        c, b = self.c, len(tokens)
        x = self.embed[tokens]
        for i, (keys, values) in enumerate(cache):
            q, k, v = self.linear(self.norm(x, f"{i}.attn_norm"), f"{i}.qkv").split(c.qkv, -1)
            q = rotate(q.reshape(b * c.kv_heads, -1, c.head_width), cos[at], sin[at]).to(self.dtype)
            keys[:, at] = rotate(k.reshape(-1, c.head_width), cos[at], sin[at])
            values[:, at] = v.reshape(-1, c.head_width)
            scores = torch.bmm(q, keys[:, : at + 1].transpose(1, 2)).float() / math.sqrt(c.head_width)
            a = torch.bmm(scores.softmax(-1).to(self.dtype), values[:, : at + 1]).float().reshape(b, -1)
            x = x + self.linear(self.norm(a, f"{i}.attn_sub_norm"), f"{i}.output")
            gate, up = self.linear(self.norm(x, f"{i}.ffn_norm"), f"{i}.gate_up").chunk(2, -1)
            x = x + self.linear(self.norm(torch.nn.functional.silu(gate) * up, f"{i}.ffn_sub_norm"), f"{i}.down")
        return (self.norm(x, "output_norm").to(self.dtype) @ self.weights["embed"]).float()

    @torch.no_grad()
    def generate(self, prompts: list[list[int]], length: int, temperature: float, rng: np.random.Generator, stop: int = -1) -> list[list[int]]:
        """Each prompt with its continuation, `length` ids in all, cut after the first `stop` behind the prompt. Temperature 0 is greedy."""
        c, b = self.c, len(prompts)
        cos, sin = rope_tables(c, length)
        cache = [tuple(torch.zeros(b * c.kv_heads, length, c.head_width, dtype=self.dtype) for _ in "kv") for _ in range(c.layers)]
        out = torch.zeros(b, length, dtype=torch.int64)
        known = torch.tensor([len(p) for p in prompts])
        for i, p in enumerate(prompts):
            out[i, : len(p)] = torch.tensor(p[:length])
        for at in range(length - 1):
            logits = self.step(out[:, at], at, cache, cos, sin)
            if temperature > 0:
                noise = -np.log(-np.log(rng.random(logits.shape, dtype=np.float32).clip(1e-9, 1 - 1e-7)))
                logits = logits / temperature + torch.from_numpy(noise.astype(np.float32))
            out[:, at + 1] = torch.where(known > at + 1, out[:, at + 1], logits.argmax(-1))
        result = []
        for prompt, row in zip(prompts, out.tolist()):
            end = row.index(stop, len(prompt)) + 1 if stop in row[len(prompt) :] else length
            result.append(row[:end])
        return result
