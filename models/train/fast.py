"""The same model as bitnet.py, forward and backward by hand: bfloat16 products, fused stages in kernels.c.

On two cores with AMX the pair trains at about 11,000 tokens a second.
R = B * T rows. Gradients are added to `grad`, a vector like `flat`.
"""

import copy
import ctypes
import math
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bitnet import EPS, Config, parts, rope_tables, views

BF16 = torch.bfloat16
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
WIDE = ["-mprefer-vector-width=512"] if platform.machine() == "x86_64" else []


def keep_memory() -> None:
    """Have glibc reuse large blocks: page faults of fresh ones would cost half of every step."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for option, value in ((-1, 2**31 - 1), (-3, 1 << 30), (-8, 1)):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX
            libc.mallopt(option, value)


def build(work: Path) -> ctypes.CDLL:
    """Compile kernels.c for this machine into `work`, unless that is done, and load it."""
    source = Path(__file__).with_name("kernels.c")
    library = work / "kernels.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", *FLAGS, *WIDE, str(source), "-o", str(library), "-lm"], check=True)
    lib = ctypes.CDLL(str(library))
    keep_memory()
    lib.ternary.restype = ctypes.c_float
    return lib


def arg(value: Any) -> Any:
    """A kernel's argument: a tensor's address, an int64, or a float; None is a null pointer."""
    if value is None:
        return ctypes.c_void_p(None)
    if isinstance(value, Tensor):
        assert value.is_contiguous()
        return ctypes.c_void_p(value.data_ptr())
    return ctypes.c_float(value) if isinstance(value, float) else ctypes.c_int64(value)


@dataclass
class Saved:
    """What one layer keeps for its backward pass."""

    x: Tensor
    h1: Tensor
    r1: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    p: Tensor
    a: Tensor
    h2: Tensor
    r2: Tensor
    x1: Tensor
    h3: Tensor
    r3: Tensor
    gu: Tensor
    h4: Tensor
    r4: Tensor
    drop1: Tensor | None
    drop2: Tensor | None


class FastModel:
    """Parameters in one vector `flat`, their gradients in `grad`, AdamW's moments in `m` and `v`."""

    def __init__(self, config: Config, flat: Tensor, lib: ctypes.CDLL):
        self.c, self.flat, self.lib = config, flat, lib
        self.grad, self.m, self.v = (torch.zeros_like(flat) for _ in range(3))
        self.p, self.g = views(config, flat), views(config, self.grad)
        self.w = {n: torch.empty(t.shape, dtype=BF16) for n, t in self.p.items() if parts(config, n) or n == "embed"}
        self.matrices = flat.numel() - sum(t.numel() for n, t in self.p.items() if n.endswith("norm"))
        self.masks = torch.empty(0, dtype=BF16)
        self._rope: dict[int, tuple[Tensor, Tensor]] = {}
        self.quantise()

    def twin(self) -> "FastModel":
        """A second worker on the same weights, with gradients of its own."""
        twin = copy.copy(self)
        twin.grad = torch.zeros_like(self.flat)
        twin.g = views(self.c, twin.grad)
        return twin

    def call(self, name: str, *args: Any) -> None:
        getattr(self.lib, name)(*map(arg, args))

    def quantise(self) -> None:
        """Refresh the ternary (and the embedding's bfloat16) form of the weights."""
        for name, w16 in self.w.items():
            rows = parts(self.c, name)
            if rows is None:
                w16.copy_(self.p[name])
                continue
            for w, out in zip(self.p[name].split(rows), w16.split(rows)):
                self.call("ternary", w, out, w.numel())

    def with_dropout(self, part: float, seed: int) -> None:
        """From now on `forward(keep=True)` drops this part of what the layers add to the residual stream."""
        gen = torch.Generator().manual_seed(seed)
        self.masks = ((torch.rand(1 << 24, generator=gen) >= part).float() / (1 - part)).to(BF16) if part > 0 else torch.empty(0, dtype=BF16)

    def drop(self, x: Tensor) -> Tensor | None:
        """Drops in place; returns the mask: a random stretch of the ready-made ones (fresh ones would cost a third of a step)."""
        if len(self.masks) == 0:
            return None
        at = int(torch.randint(len(self.masks) - x.numel(), ()))
        mask = self.masks[at : at + x.numel()].view(x.shape)
        x.mul_(mask)
        return mask

    def rope(self, length: int) -> tuple[Tensor, Tensor]:
        if length not in self._rope:
            self._rope[length] = rope_tables(self.c, length)
        return self._rope[length]

    def norm(self, x: Tensor, add: Tensor | None, gain: Tensor) -> tuple[Tensor, Tensor]:
        """x += add, in place; the normalised, quantised rows [R, D] and 1 / rms [R]."""
        out, rstd = torch.empty(x.shape, dtype=BF16), torch.empty(x.shape[0])
        self.call("add_norm_quant", x, add, gain, out, rstd, *x.shape, EPS)
        return out, rstd

    def forward(self, tokens: Tensor, keep: bool = True) -> tuple[Tensor, list[Saved], Tensor, Tensor, Tensor]:
        """tokens [B, T] -> logits [R, V] in bfloat16, and what `backward` needs."""
        c, (b, t) = self.c, tokens.shape
        r, hw = b * t, c.head_width
        cos, sin = self.rope(t)
        saved = []
        x = torch.nn.functional.embedding(tokens.flatten(), self.p["embed"])
        y = None
        for i in range(c.layers):
            p = lambda n: self.p[f"{i}.{n}"]  # noqa: E731
            w = lambda n: self.w[f"{i}.{n}"]  # noqa: E731
            if y is not None and keep:
                x = x.clone()
            h1, r1 = self.norm(x, y, p("attn_norm"))
            qkv = h1 @ w("qkv").t()
            q, k, v = (torch.empty(b * n, t, hw, dtype=BF16) for n in (c.heads, c.kv_heads, c.kv_heads))
            self.call("rope_split", qkv, q, k, v, cos, sin, b, t, c.heads, c.kv_heads, hw)
            # query heads of one group share a key head: stack them along the rows
            pr = torch.bmm(q.view(b * c.kv_heads, -1, hw), k.transpose(1, 2))
            self.call("softmax", pr, b * c.heads, t, hw**-0.5)
            a = torch.bmm(pr, v)
            h2, r2 = torch.empty(r, c.qkv[0], dtype=BF16), torch.empty(r)
            self.call("merge_norm_quant", a, p("attn_sub_norm"), h2, r2, b, t, c.heads, hw, EPS)
            o = h2 @ w("output").t()
            drop1 = self.drop(o) if keep else None
            x1 = x.clone() if keep else x
            h3, r3 = self.norm(x1, o, p("ffn_norm"))
            gu = h3 @ w("gate_up").t()
            h4, r4 = torch.empty(r, c.inner, dtype=BF16), torch.empty(r)
            self.call("glu_norm_quant", gu, p("ffn_sub_norm"), h4, r4, r, c.inner, EPS)
            y = h4 @ w("down").t()
            drop2 = self.drop(y) if keep else None
            if keep:
                saved.append(Saved(x, h1, r1, q, k, v, pr, a, h2, r2, x1, h3, r3, gu, h4, r4, drop1, drop2))
            x = x1
        xf = x + y
        rf = torch.rsqrt(xf.pow(2).mean(-1) + EPS)
        hf = (xf * rf[:, None] * self.p["output_norm"]).to(BF16)
        return hf @ self.w["embed"].t(), saved, xf, rf, hf

    def backward(self, tokens: Tensor, dz: Tensor, saved: list[Saved], xf: Tensor, rf: Tensor, hf: Tensor) -> None:
        """Add the gradients for dz [R, V], the gradient of the logits."""
        c, (b, t) = self.c, tokens.shape
        r, hw = b * t, c.head_width
        cos, sin = self.rope(t)
        self.g["embed"] += dz.t() @ hf
        dx, dx16 = torch.zeros(r, c.width), torch.empty(r, c.width, dtype=BF16)
        self.call("add_norm_grad", dx, dx16, dz @ self.w["embed"], xf, self.p["output_norm"], rf, self.g["output_norm"], r, c.width)
        for i in reversed(range(c.layers)):
            s = saved[i]
            p = lambda n: self.p[f"{i}.{n}"]  # noqa: E731
            g = lambda n: self.g[f"{i}.{n}"]  # noqa: E731
            w = lambda n: self.w[f"{i}.{n}"]  # noqa: E731
            dy = dx16 if s.drop2 is None else dx16 * s.drop2
            g("down").add_(dy.t() @ s.h4)
            dgu = torch.empty_like(s.gu)
            self.call("glu_norm_grad", dy @ w("down"), s.gu, p("ffn_sub_norm"), s.r4, dgu, g("ffn_sub_norm"), r, c.inner)
            g("gate_up").add_(dgu.t() @ s.h3)
            self.call("add_norm_grad", dx, dx16, dgu @ w("gate_up"), s.x1, p("ffn_norm"), s.r3, g("ffn_norm"), r, c.width)
            do = dx16 if s.drop1 is None else dx16 * s.drop1
            g("output").add_(do.t() @ s.h2)
            da = torch.empty_like(s.a)
            self.call("merge_norm_grad", do @ w("output"), s.a, p("attn_sub_norm"), s.r2, da, g("attn_sub_norm"), b, t, c.heads, hw)
            ds = torch.bmm(da, s.v.transpose(1, 2))
            dv = torch.bmm(s.p.transpose(1, 2), da)
            self.call("softmax_grad", ds, s.p, b * c.heads, t, hw**-0.5)
            dq = torch.bmm(ds, s.k)
            dk = torch.bmm(ds.transpose(1, 2), s.q.view(b * c.kv_heads, -1, hw))
            dqkv = torch.empty(r, sum(c.qkv), dtype=BF16)
            self.call("rope_merge", dqkv, dq, dk, dv, cos, sin, b, t, c.heads, c.kv_heads, hw)
            g("qkv").add_(dqkv.t() @ s.h1)
            self.call("add_norm_grad", dx, dx16, dqkv @ w("qkv"), s.x, p("attn_norm"), s.r1, g("attn_norm"), r, c.width)
        self.g["embed"].index_add_(0, tokens.flatten(), dx)

    def loss(self, z: Tensor, following: Tensor, teacher: Tensor | None = None, part: float = 0.0) -> tuple[Tensor, Tensor]:
        """Cross-entropy and KL to the teacher per row; `z` becomes its own gradient."""
        n = following.numel()
        ce, kl = torch.empty(n), torch.empty(n)
        rows = max(int((following >= 0).sum()), 1)
        self.call("cross_entropy", z, teacher, following.reshape(-1).contiguous(), ce, kl, part, 1.0 / rows, n, z.shape[1])
        return ce, kl

    def update(self, step: int, rate: float, decay: float, limit: float = 1.0) -> float:
        """One AdamW step from `grad` (clipped to norm `limit`), which is then cleared. Returns the gradient's norm."""
        norm = float(self.grad.norm())
        if not math.isfinite(norm):
            self.grad.zero_()
            return norm
        clip = min(1.0, limit / (norm + 1e-6))
        b1, b2 = 0.9, 0.95
        for rows, d in ((slice(0, self.matrices), decay), (slice(self.matrices, None), 0.0)):
            w, g, m, v = (z[rows] for z in (self.flat, self.grad, self.m, self.v))
            self.call("adamw", w, g, m, v, w.numel(), rate, b1, b2, 1 - b1**step, 1 - b2**step, 1e-8, d, clip)
        self.grad.zero_()
        self.quantise()
        return norm
