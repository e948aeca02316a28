"""BitNet b1.58 as llama.cpp's `bitnet` graph computes it: the readable definition, in plain PyTorch.

Ternary weights by the absolute mean (one scale a tensor), int8 activations by each token's absolute
maximum, RMSNorm before every product, rotary positions over pairs (i, i + C/2), grouped-query attention,
SiLU GLU, head tied with the embedding. fast.py computes the same for training; test.py compares the two.

Letters in shapes: B sequences, T positions, D width, F inner width, H query heads, K key-value heads,
C head width, V vocabulary.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

EPS = 1e-5


@dataclass(frozen=True)
class Config:
    """The sizes of one model."""

    width: int = 256
    inner: int = 768
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    head_width: int = 64
    vocab: int = 4096
    rope_base: float = 10000.0

    def to_dict(self) -> dict:
        return asdict(self)

    @property
    def qkv(self) -> tuple[int, int, int]:
        """Rows of the query, key and value matrices."""
        return self.heads * self.head_width, self.kv_heads * self.head_width, self.kv_heads * self.head_width


def shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """Every parameter's shape. `qkv` stacks three matrices by rows, `gate_up` two: each has its own scale."""
    out: dict[str, tuple[int, ...]] = {"embed": (c.vocab, c.width)}
    for i in range(c.layers):
        out |= {
            f"{i}.qkv": (sum(c.qkv), c.width),
            f"{i}.output": (c.width, c.qkv[0]),
            f"{i}.gate_up": (2 * c.inner, c.width),
            f"{i}.down": (c.width, c.inner),
        }
    for i in range(c.layers):
        out |= {f"{i}.attn_norm": (c.width,), f"{i}.attn_sub_norm": (c.qkv[0],), f"{i}.ffn_norm": (c.width,), f"{i}.ffn_sub_norm": (c.inner,)}
    out["output_norm"] = (c.width,)
    return out


def parts(c: Config, name: str) -> list[int] | None:
    """The row counts of the matrices stacked in a parameter; None for what is not ternary."""
    kind = name.split(".")[-1]
    rows = {"qkv": list(c.qkv), "gate_up": [c.inner, c.inner], "output": [c.width], "down": [c.width]}
    return rows.get(kind)


def ternary_count(c: Config) -> int:
    """Number of ternary weights."""
    return sum(math.prod(s) for n, s in shapes(c).items() if parts(c, n))


def init(c: Config, seed: int) -> Tensor:
    """All parameters in one vector, in the order of `shapes`: what goes into the residual starts smaller."""
    gen = torch.Generator().manual_seed(seed)
    chunks = []
    for name, shape in shapes(c).items():
        if name.endswith("norm"):
            chunks.append(torch.ones(shape))
        else:
            std = 0.05 if name == "embed" else shape[1] ** -0.5
            if name.endswith(("output", "down")):
                std *= (2 * c.layers) ** -0.5
            chunks.append(torch.randn(shape, generator=gen) * std)
    return torch.cat([chunk.flatten() for chunk in chunks])


def views(c: Config, flat: Tensor) -> dict[str, Tensor]:
    """Named views into one vector of all parameters."""
    out, at = {}, 0
    for name, shape in shapes(c).items():
        size = math.prod(shape)
        out[name] = flat[at : at + size].view(shape)
        at += size
    if at != flat.numel():
        raise ValueError(f"expected {at} parameters, got {flat.numel()}")
    return out


def ternary(w: Tensor) -> tuple[Tensor, float]:
    """Codes in {-1, 0, 1} and their scale, rounded to bfloat16 so that a GGUF file's f16 holds it exactly."""
    scale = w.abs().mean(dtype=torch.float64).float().bfloat16().float()
    return (w / scale).round().clamp(-1, 1), float(scale)


def fake_ternary(w: Tensor, rows: list[int]) -> Tensor:
    """`w` with each stacked part made ternary; its gradient passes straight through."""
    quantised = torch.cat([codes * scale for codes, scale in map(ternary, w.detach().split(rows))])
    return w + (quantised - w).detach()


def fake_int8(x: Tensor) -> Tensor:
    """Activations rounded to 255 levels of each row's absolute maximum, straight through."""
    step = x.detach().abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
    return x + ((x / step).round() * step - x).detach()


def rms_norm(x: Tensor, gain: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * gain


def rope_tables(c: Config, length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each position's angles, [T, C/2]."""
    frequency = c.rope_base ** (-torch.arange(0, c.head_width, 2, dtype=torch.float64) / c.head_width)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [..., T, C] with pairs (i, i + C/2) turned."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def attention(c: Config, qkv: Tensor) -> Tensor:
    """qkv [B, T, (H + 2K) C] -> [B, T, H C], causal."""
    b, t, _ = qkv.shape
    q, k, v = (z.view(b, t, -1, c.head_width).transpose(1, 2) for z in qkv.split(c.qkv, -1))
    cos, sin = rope_tables(c, t)
    q, k = rotate(q, cos, sin), rotate(k, cos, sin)
    k, v = (z.repeat_interleave(c.heads // c.kv_heads, 1) for z in (k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(c.head_width)
    scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1)


def forward(c: Config, p: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Logits [B, T, V] after each of tokens [B, T]."""

    def linear(x: Tensor, name: str) -> Tensor:
        return fake_int8(x) @ fake_ternary(p[name], parts(c, name) or []).t()

    x = p["embed"][tokens]
    for i in range(c.layers):
        a = attention(c, linear(rms_norm(x, p[f"{i}.attn_norm"]), f"{i}.qkv"))
        x = x + linear(rms_norm(a, p[f"{i}.attn_sub_norm"]), f"{i}.output")
        gate, up = linear(rms_norm(x, p[f"{i}.ffn_norm"]), f"{i}.gate_up").chunk(2, -1)
        h = torch.nn.functional.silu(gate) * up
        x = x + linear(rms_norm(h, p[f"{i}.ffn_sub_norm"]), f"{i}.down")
    return rms_norm(x, p["output_norm"]) @ p["embed"].t()
