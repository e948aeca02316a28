"""Byte-level BPE: a trainer over word counts, an encoder, and the Hugging Face file form.

The pre-tokenizer is GPT-2's pattern (what `ByteLevel` with `use_regex` means in tokenizer.json),
written for Python's `re`, which has no \\p{L}: `[^\\W\\d_]` equals it on the corpus's alphabet
(letters, ASCII digits, punctuation); train.py asserts that no other character is left.
"""

import heapq
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Iterable

SPECIALS = ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
VOCAB_SIZE = 4096
WORD = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

Pair = tuple[str, str]


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-in for each of the 256 bytes, indexed by byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    chars = {b: chr(b) for b in printable}
    for n, b in enumerate(b for b in range(256) if b not in chars):
        chars[b] = chr(256 + n)
    return [chars[b] for b in range(256)]


ALPHABET = byte_alphabet()


def spell(word: str) -> tuple[str, ...]:
    """A word as the stand-ins of its UTF-8 bytes."""
    return tuple(ALPHABET[b] for b in word.encode())


def merge_word(symbols: list[str], pair: Pair) -> list[str]:
    """`symbols` with every non-overlapping occurrence of `pair`, from the left, joined."""
    merged, i = [], 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            merged.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def train_merges(texts: Iterable[str], n_merges: int) -> list[Pair]:
    """The `n_merges` most frequent pairs, greedily, over counts of words; ties go to the lesser pair."""
    counts = Counter(word for text in texts for word in WORD.findall(text))
    words = [list(spell(w)) for w in counts]
    weight = list(counts.values())
    pair_count: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for i, symbols in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pair_count[pair] += weight[i]
            where[pair].add(i)
    heap = [(-n, pair) for pair, n in pair_count.items()]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while len(merges) < n_merges:
        n, best = heapq.heappop(heap)
        if pair_count[best] != -n:  # stale entry: a fresh one is in the heap
            continue
        merges.append(best)
        touched: set[Pair] = set()
        for i in where[best]:
            old = words[i]
            new = merge_word(old, best)
            if len(new) == len(old):
                continue
            for pair in zip(old, old[1:]):
                pair_count[pair] -= weight[i]
                touched.add(pair)
            for pair in zip(new, new[1:]):
                pair_count[pair] += weight[i]
                where[pair].add(i)
                touched.add(pair)
            words[i] = new
        for pair in touched:
            if pair_count[pair] > 0:
                heapq.heappush(heap, (-pair_count[pair], pair))
    return merges


class Tokenizer:
    """Encodes text to ids and back. Ids: 256 bytes, then the merges in order, then the specials."""

    def __init__(self, merges: list[Pair]):
        self.merges = merges
        self.pieces = [*ALPHABET, *(a + b for a, b in merges)]
        self.vocab = {piece: i for i, piece in enumerate(self.pieces)}
        self.specials = {s: len(self.pieces) + i for i, s in enumerate(SPECIALS)}
        self.size = len(self.pieces) + len(SPECIALS)
        self.eot, self.system, self.user, self.assistant, self.end = self.specials.values()
        self._rank = {pair: i for i, pair in enumerate(merges)}
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        model = json.loads(path.read_text())["model"]
        return cls([tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]])

    def _encode_word(self, word: str) -> list[int]:
        symbols = list(spell(word))
        while len(symbols) > 1:
            pair = min(zip(symbols, symbols[1:]), key=lambda p: self._rank.get(p, len(self._rank)))
            if pair not in self._rank:
                break
            symbols = merge_word(symbols, pair)
        return [self.vocab[s] for s in symbols]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text; specials are never recognised inside it."""
        ids: list[int] = []
        for word in WORD.findall(text):
            if word not in self._cache:
                self._cache[word] = self._encode_word(word)
            ids += self._cache[word]
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; specials by their names, broken UTF-8 as U+FFFD."""
        byte_of = {c: b for b, c in enumerate(ALPHABET)}
        names = {i: s for s, i in self.specials.items()}
        out = b"".join(names[i].encode() if i in names else bytes(byte_of[c] for c in self.pieces[i]) for i in ids)
        return out.decode(errors="replace")

    def chat(self, *turns: tuple[str, str], reply: bool = True) -> list[int]:
        """Ids of (role, content) turns; with `reply`, the assistant's marker after them."""
        ids: list[int] = []
        for role, content in turns:
            ids += [self.specials[f"<|{role}|>"], *self.encode(content), self.end]
        return ids + [self.assistant] if reply else ids

    def save(self, folder: Path, context_length: int) -> None:
        """Write tokenizer.json and tokenizer_config.json in Hugging Face form."""
        added = [
            {"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for s, i in self.specials.items()
        ]
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        tokenizer = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": level,
            "post_processor": None,
            "decoder": level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": {**self.vocab, **self.specials},
                "merges": [f"{a} {b}" for a, b in self.merges],
            },
        }
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": SPECIALS[0],
            "eos_token": "<|end|>",
            "pad_token": SPECIALS[0],
            "add_bos_token": False,
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,
            "model_max_length": context_length,
            "chat_template": CHAT_TEMPLATE,
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
