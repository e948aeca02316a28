"""Reads the corpus, cleans it, and keeps the held-out stories and whatever repeats them out of training."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

SHINGLE = 8  # words; eight in a row do not repeat by chance in this corpus, except in formulas
SHARED = 0.2  # a paragraph that shares this part of its shingles is a repeat
GAP = 6  # paragraphs between two repeats that count as repeats too (an edited passage)

REPLACE = str.maketrans({
    "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2014": "--", "\u2013": "-", "`": "'",
    "Æ": "Ae", "æ": "ae", "œ": "oe", "_": "", "*": "", "|": "", "^": "", "#": "", "=": "", "§": "",
})  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A title and its paragraphs, in order. `starts`: paragraph 0 is where the tale begins."""

    title: str
    paragraphs: list[str]
    starts: bool = True


@dataclass(frozen=True)
class Question:
    """A passage, a question about it, and the answer that an expert wrote."""

    passage: str
    question: str
    answer: str


@dataclass
class Corpus:
    """`train` stories and questions; `held_out` stories and questions by FairytaleQA's own split."""

    train: list[Story] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    held_out: dict[str, list[Story]] = field(default_factory=lambda: {"val": [], "test": []})
    held_out_questions: dict[str, list[Question]] = field(default_factory=lambda: {"val": [], "test": []})
    notes: dict[str, int] = field(default_factory=dict)


def clean(text: str) -> str:
    """ASCII quotes and dashes, no markup, single spaces, no character outside Latin letters and punctuation."""
    text = text.translate(REPLACE)
    text = re.sub(r"\[[^\]]{0,80}\]", "", text)
    text = "".join(c for c in text if c in "\n" or " " <= c <= "~" or ("À" <= c <= "ÿ" and c.isalpha()) or c in "āœ")
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", re.sub(r"[ \t]+", " ", text))).strip()


def paragraphs(text: str) -> list[str]:
    return [p.replace("\n", " ") for p in clean(text).split("\n\n") if p.strip()]


def shingles(text: str) -> set[int]:
    """Hashes of all runs of SHINGLE words, case and punctuation aside."""
    words = re.findall(r"[a-z]+", text.lower())
    return {hash(tuple(words[i : i + SHINGLE])) for i in range(len(words) - SHINGLE + 1)}


def share(text: str, seen: set[int]) -> float:
    """The part of a text's shingles that is in `seen`, 0 for texts shorter than one shingle."""
    own = shingles(text)
    return len(own & seen) / len(own) if own else 0.0


def repeats(paras: list[str], seen: set[int]) -> list[bool]:
    """Which paragraphs repeat `seen`, the short gaps between such paragraphs included."""
    hit = [share(p, seen) >= SHARED for p in paras]
    marked = [i for i, h in enumerate(hit) if h]
    for a, b in zip(marked, marked[1:]):
        if b - a <= GAP:
            hit[a : b + 1] = [True] * (b - a + 1)
    return hit


def without(story: Story, seen: set[int]) -> list[Story]:
    """What is left of a story, in unbroken pieces, when the paragraphs that repeat `seen` are cut out."""
    pieces: list[Story] = []
    current: list[str] = []
    first = 0
    for i, (para, hit) in enumerate(zip([*story.paragraphs, ""], [*repeats(story.paragraphs, seen), True])):
        if not hit:
            first = first if current else i
            current.append(para)
        elif current:
            pieces.append(Story(story.title, current, story.starts and first == 0))
            current = []
    return [p for p in pieces if sum(map(len, p.paragraphs)) > 200]


def read(folder: Path) -> Corpus:
    """The corpus of `folder` (tales.jsonl, fairytaleqa.jsonl), split and rid of repeats."""
    corpus = Corpus()
    tales = [json.loads(line) for line in (folder / "tales.jsonl").open()]
    qa = [json.loads(line) for line in (folder / "fairytaleqa.jsonl").open()]

    held: set[int] = set()
    for record in qa:
        if record["split"] != "train":
            held |= shingles(clean(" ".join(record["sections"].values())))

    total = kept = 0
    seen: set[int] = set()
    for record in tales:
        story = Story(clean(record["title"]), paragraphs(record["text"]), len(record["text"]) < 80_000)
        total += len(story.paragraphs)
        for piece in without(story, held):
            kept += len(piece.paragraphs)
            corpus.train.append(piece)
            seen |= shingles(" ".join(piece.paragraphs))
    corpus.notes["tales paragraphs"] = total
    corpus.notes["tales paragraphs that repeat held-out stories"] = total - kept

    for record in qa:
        sections = {k: clean(v).replace("\n", " ") for k, v in record["sections"].items()}
        asked = [
            Question("\n\n".join(sections[s] for s in q["sections"]), clean(q["question"]), clean(q["answer"]))
            for q in record["questions"]
        ]
        story = Story(clean(record["title"]), list(sections.values()))
        if record["split"] != "train":
            corpus.held_out[record["split"]].append(story)
            corpus.held_out_questions[record["split"]] += asked
        elif share(" ".join(story.paragraphs), held) >= SHARED:
            corpus.notes["FairytaleQA train stories that repeat held-out ones"] = (
                corpus.notes.get("FairytaleQA train stories that repeat held-out ones", 0) + 1
            )
        else:
            corpus.questions += [q for q in asked if share(q.passage, held) < SHARED]
            pieces = without(story, held | seen)
            if sum(len(p.paragraphs) for p in pieces) > len(story.paragraphs) / 2:
                corpus.train += pieces
            else:
                corpus.notes["FairytaleQA train stories already in tales"] = (
                    corpus.notes.get("FairytaleQA train stories already in tales", 0) + 1
                )
    return corpus
