"""Rows of token ids to train on: plain stories, requests for stories, questions on passages, small talk."""

import re
from dataclasses import dataclass

import numpy as np

from bpe import Tokenizer
from corpus import Corpus, Question, Story
from talk import ABOUT, ANY, MORE, PLURALS, SYSTEM, TALK, THINGS, TITLED

MIX = {"plain": 0.71, "story": 0.15, "question": 0.12, "talk": 0.02}  # parts of the rows
OPENING = re.compile(
    r"(Once|There (was|were|lived|came|dwelt)|Long (ago|,)|In (a|the|old|days) |One (day|morning|evening|night|fine)|A(n| certain| poor| rich)? \w+ |"
    r"Many years|Far |Upon a)"
)
FORMS = {form: thing for thing in THINGS for form in (thing, PLURALS.get(thing, thing + "s"))}


@dataclass(frozen=True)
class Tale:
    """A story as ids, paragraph by paragraph, and where a telling may begin."""

    title: str
    paragraphs: list[str]
    ids: list[list[int]]  # of each paragraph, the blank line before it included (not before the first)
    openings: list[int]  # paragraphs at which an answer may begin
    starts: bool


def tale(tok: Tokenizer, story: Story) -> Tale:
    ids = [tok.encode(("\n\n" if i else "") + p) for i, p in enumerate(story.paragraphs)]
    last = len(ids) - 1
    openings = [i for i, p in enumerate(story.paragraphs) if i < max(last, 1) and OPENING.match(p) and "'" not in p[:1]]
    return Tale(story.title, story.paragraphs, ids, openings, story.starts)


def things(text: str) -> list[str]:
    """What a text speaks of, most often named first."""
    count: dict[str, int] = {}
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in FORMS:
            count[FORMS[word]] = count.get(FORMS[word], 0) + 1
    return sorted(count, key=lambda thing: -count[thing])


def with_article(thing: str) -> str:
    return ("an " if thing[0] in "aeiou" else "a ") + thing


def sentence(answer: str) -> str:
    """An expert's answer with a capital and a full stop."""
    answer = answer.strip()
    return answer[:1].upper() + answer[1:] + ("" if answer[-1:] in ".!?\"'" else ".")


class Rows:
    """Draws batches, each a function of (seed, step) alone, so that a resumed run sees the same rows."""

    def __init__(self, tok: Tokenizer, corpus: Corpus, seed: int = 0):
        self.tok, self.seed = tok, seed
        self.tales = [tale(tok, s) for s in corpus.train]
        self.stream = np.array([i for t in self.tales for i in (tok.eot, *sum(t.ids, []))] + [tok.eot], dtype=np.int64)
        self.begun = [t for t in self.tales if t.starts]
        self.opened = [(t, i) for t in self.tales for i in t.openings]
        self.passages: dict[str, list[Question]] = {}
        for q in corpus.questions:
            self.passages.setdefault(q.passage, []).append(q)
        self.passage_list = list(self.passages)

    def request(self, rng: np.random.Generator, t: Tale, first: int, excerpt: str) -> str:
        """A way to ask for this excerpt of a tale."""
        named = things(excerpt)
        kind = rng.random()
        if first == 0 and t.starts and kind < 0.2:
            return str(rng.choice(TITLED)).format(t.title.title() if t.title.islower() else t.title)
        if not named or kind > 0.92:
            return str(rng.choice(ANY))
        weights = 0.5 ** np.arange(len(named[:4]))
        count = 2 if len(named) > 1 and rng.random() < 0.25 else 1
        chosen = rng.choice(named[:4], size=count, replace=False, p=weights / weights.sum())
        return str(rng.choice(ABOUT)).format(" and ".join(map(with_article, chosen)))

    def telling(self, rng: np.random.Generator, length: int) -> list[int]:
        """A request and a telling of at most about `length` ids that ends with a paragraph; perhaps more turns."""
        if rng.random() < 0.5:
            t, first = self.begun[rng.integers(len(self.begun))], 0
        else:
            t, first = self.opened[rng.integers(len(self.opened))]
        wish = rng.integers(60, max(length - 40, 61))
        body: list[int] = []
        at = first
        while at < len(t.ids) and (not body or len(body) + len(t.ids[at]) <= wish):
            body += self.tok.encode(t.paragraphs[at]) if at == first else t.ids[at]
            at += 1
        ids = self.tok.chat(("user", self.request(rng, t, first, " ".join(t.paragraphs[first:at])[:1500])))
        if rng.random() < 0.25:
            ids = self.tok.chat(("system", str(rng.choice(SYSTEM))), reply=False) + ids
        ids += [*body, self.tok.end]
        while at < len(t.ids) and len(ids) < length and rng.random() < 0.5:
            more = self.tok.encode(t.paragraphs[at])
            at += 1
            while at < len(t.ids) and len(more) < 80:
                more += t.ids[at]
                at += 1
            ids += [*self.tok.chat(("user", str(rng.choice(MORE)))), *more, self.tok.end]
        return ids

    def asking(self, rng: np.random.Generator, length: int) -> list[int]:
        """A passage that leaves room in `length`, a question on it and its answer, then more of the same."""
        drawn = (self.passage_list[i] for i in rng.integers(len(self.passage_list), size=20))
        passage = min(drawn, key=lambda p: len(p) / 3.7 > length - 60)  # the first that fits
        asked = self.passages[passage]
        ids: list[int] = []
        for n, i in enumerate(rng.permutation(len(asked))[:4]):
            q = asked[i]
            ids += self.tok.chat(("user", f"{passage}\n\n{q.question}" if n == 0 else q.question))
            ids += [*self.tok.encode(sentence(q.answer)), self.tok.end]
        return ids

    def talking(self, rng: np.random.Generator) -> list[int]:
        ids: list[int] = self.tok.chat(("system", str(rng.choice(SYSTEM))), reply=False) if rng.random() < 0.3 else []
        question, answer = TALK[rng.integers(len(TALK))]
        return [*ids, *self.tok.chat(("user", question)), *self.tok.encode(answer), self.tok.end]

    def row(self, rng: np.random.Generator, length: int) -> np.ndarray:
        """`length` ids: a window of the stories, or turns packed with <|endoftext|> between them."""
        kind = rng.choice(list(MIX), p=list(MIX.values()))
        if kind == "plain":
            at = rng.integers(len(self.stream) - length)
            return self.stream[at : at + length]
        ids: list[int] = []
        while len(ids) < length:
            item = self.telling(rng, length) if kind == "story" else self.asking(rng, length) if kind == "question" else self.talking(rng)
            ids += [*item, self.tok.eot]
            if kind == "talk":  # a little of it, then a tale
                kind = "story" if rng.random() < 0.5 else "talk"
        return np.array(ids[:length], dtype=np.int64)

    def batch(self, step: int, count: int, length: int) -> np.ndarray:
        """[count, length + 1] ids."""
        rng = np.random.default_rng((self.seed, step))
        return np.stack([self.row(rng, length + 1) for _ in range(count)])


def windows(tok: Tokenizer, stories: list[Story], length: int) -> np.ndarray:
    """All whole, non-overlapping windows [N, length + 1] of each story, <|endoftext|> first; each id is predicted once."""
    rows = []
    for story in stories:
        ids = [tok.eot, *tok.encode("\n\n".join(story.paragraphs)), tok.eot]
        rows += [ids[i : i + length + 1] for i in range(0, len(ids) - length, length)]
    return np.array(rows, dtype=np.int64)
