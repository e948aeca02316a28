"""Writes a model as GGUF: architecture `bitnet`, ternary weights as TQ2_0 or Q2_0, embedding f16, norms f32.

Layouts: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and ggml-quants.c.
"""

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from bitnet import EPS, Config, ternary, views
from bpe import ALPHABET, CHAT_TEMPLATE, Tokenizer

ALIGNMENT = 32
F32, F16, TQ2_0, Q2_0 = 0, 1, 35, 42
FILE_TYPE = {TQ2_0: 37, Q2_0: 41}  # llama.cpp's general.file_type
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL = 1, 3  # llama.cpp's token types


def text(s: str) -> bytes:
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(v: Any) -> tuple[int, bytes]:
    """A metadata value's type and bytes."""
    if isinstance(v, bool):
        return BOOL, struct.pack("<?", v)
    if isinstance(v, int):
        return U32, struct.pack("<I", v)
    if isinstance(v, float):
        return FLOAT, struct.pack("<f", v)
    if isinstance(v, str):
        return STRING, text(v)
    kind = STRING if isinstance(v[0], str) else I32
    body = b"".join(text(x) if kind == STRING else struct.pack("<i", x) for x in v)
    return ARRAY, struct.pack("<IQ", kind, len(v)) + body


def tq2_0(codes: np.ndarray, scale: float) -> bytes:
    """codes [rows, n], n a multiple of 256, -> blocks of 64 bytes of codes and an f16 scale.

    Each half of 128 codes takes 32 bytes: byte p holds elements p, p + 32, p + 64, p + 96, lowest bits first."""
    c = (codes.astype(np.int8) + 1).astype(np.uint8).reshape(-1, 2, 4, 32)
    packed = c[:, :, 0] | c[:, :, 1] << 2 | c[:, :, 2] << 4 | c[:, :, 3] << 6
    d = np.full((len(c), 1), scale, dtype="<f2").view(np.uint8)
    return np.concatenate([packed.reshape(-1, 64), d], axis=1).tobytes()


def q2_0(codes: np.ndarray, scale: float) -> bytes:
    """codes [rows, n], n a multiple of 64, -> blocks of an f16 scale and 16 bytes of four codes each, lowest bits first."""
    c = (codes.astype(np.int8) + 1).astype(np.uint8).reshape(-1, 16, 4)
    packed = c[:, :, 0] | c[:, :, 1] << 2 | c[:, :, 2] << 4 | c[:, :, 3] << 6
    d = np.full((len(c), 1), scale, dtype="<f2").view(np.uint8)
    return np.concatenate([d, packed], axis=1).tobytes()


def tensors(c: Config, flat: Tensor) -> list[tuple[str, tuple[int, ...], int, bytes]]:
    """(name, shape with the fastest axis first, type, bytes) of every tensor."""
    p = views(c, flat)
    out = []

    def add_ternary(name: str, w: Tensor) -> None:
        codes, scale = ternary(w)
        kind, pack = (TQ2_0, tq2_0) if w.shape[1] % 256 == 0 else (Q2_0, q2_0)
        out.append((name, tuple(reversed(w.shape)), kind, pack(codes.numpy(), scale)))

    def add_norm(name: str, w: Tensor) -> None:
        out.append((name, tuple(w.shape), F32, w.numpy().astype("<f4").tobytes()))

    out.append(("token_embd.weight", tuple(reversed(p["embed"].shape)), F16, p["embed"].numpy().astype("<f2").tobytes()))
    for i in range(c.layers):
        q, k, v = p[f"{i}.qkv"].split(c.qkv)
        gate, up = p[f"{i}.gate_up"].split(c.inner)
        for name, norm in (("attn_norm", None), ("attn_q", q), ("attn_k", k), ("attn_v", v), ("attn_sub_norm", None), ("attn_output", p[f"{i}.output"]),
                           ("ffn_norm", None), ("ffn_gate", gate), ("ffn_up", up), ("ffn_sub_norm", None), ("ffn_down", p[f"{i}.down"])):  # fmt: skip
            if norm is None:
                add_norm(f"blk.{i}.{name}.weight", p[f"{i}.{name}"])
            else:
                add_ternary(f"blk.{i}.{name}.weight", norm)
    add_norm("output_norm.weight", p["output_norm"])
    return out


def metadata(c: Config, tok: Tokenizer, name: str, description: str, context: int, kind: int) -> dict[str, Any]:
    specials = list(tok.specials)
    return {
        "general.architecture": "bitnet",
        "general.type": "model",
        "general.name": name,
        "general.description": description,
        "general.license": "apache-2.0",
        "general.languages": ["en"],
        "general.file_type": FILE_TYPE[kind],
        "general.quantization_version": 2,
        "general.alignment": ALIGNMENT,
        "bitnet.context_length": context,
        "bitnet.embedding_length": c.width,
        "bitnet.block_count": c.layers,
        "bitnet.feed_forward_length": c.inner,
        "bitnet.attention.head_count": c.heads,
        "bitnet.attention.head_count_kv": c.kv_heads,
        "bitnet.attention.key_length": c.head_width,
        "bitnet.attention.value_length": c.head_width,
        "bitnet.attention.layer_norm_rms_epsilon": EPS,
        "bitnet.rope.freq_base": c.rope_base,
        "bitnet.rope.dimension_count": c.head_width,
        "bitnet.vocab_size": c.vocab,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": [*tok.pieces, *specials],
        "tokenizer.ggml.token_type": [NORMAL] * len(tok.pieces) + [CONTROL] * len(specials),
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in tok.merges],
        "tokenizer.ggml.bos_token_id": tok.eot,
        "tokenizer.ggml.eos_token_id": tok.end,
        "tokenizer.ggml.eot_token_id": tok.end,
        "tokenizer.ggml.padding_token_id": tok.eot,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }


def write(path: Path, c: Config, flat: Tensor, tok: Tokenizer, name: str, description: str, context: int) -> int:
    """Write the file whole or not at all; returns its size in bytes."""
    assert len(ALPHABET) == 256 and tok.size == c.vocab
    items = tensors(c, flat.detach())
    kind = max(t for _, _, t, _ in items)
    meta = metadata(c, tok, name, description, context, kind)
    head = [b"GGUF", struct.pack("<IQQ", 3, len(items), len(meta))]
    for key, v in meta.items():
        code, raw = value(v)
        head.append(text(key) + struct.pack("<I", code) + raw)
    offset = 0
    for label, shape, code, raw in items:
        head.append(text(label) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", code, offset))
        offset += math.ceil(len(raw) / ALIGNMENT) * ALIGNMENT
    blob = b"".join(head)
    blob += b"\0" * (-len(blob) % ALIGNMENT)
    blob += b"".join(raw + b"\0" * (-len(raw) % ALIGNMENT) for *_, raw in items)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(blob)
    part.replace(path)
    return len(blob)
