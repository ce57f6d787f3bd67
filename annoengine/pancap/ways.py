"""The two ways of computing PancapScore: as the paper defines it, and as its authors' code does.

Both have the same steps, what is kept of a content, who is whom, and the score of the answers, so
that answers once given, by rules, by a model or in files, can be counted either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from annoengine.language.wordnet import WordNet
from annoengine.noun_phrase import singular
from annoengine.pancap.as_published import (
    DIFFERENCES,
    MENDED,
    Answers,
    NounSynonyms,
    answers_in_order,
    match_as_published,
    published_content,
    read_answers,
    score_as_published,
)
from annoengine.pancap.content import Content
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.judging import Answer, parse_answers
from annoengine.pancap.line_fields import Line, lines_of
from annoengine.pancap.matching import InstanceMatch, match_instances
from annoengine.pancap.published_reading import read_published
from annoengine.pancap.questions import ASKED, Item, items_of, plain_question
from annoengine.pancap.scoring import PairScore, score_pair
from annoengine.pancap.similarity import TagSimilarity, TagVectors

PAPER = "section 3.2"
AS_PUBLISHED = "as published"
"""What a report calls each."""


class Way(Protocol):
    """A way of computing the score."""

    name: str
    rule: str
    """One line that says how an item counts."""

    def kept(self, content: Content) -> Content:
        """What counts of a content."""
        ...

    def read(self, text: str) -> Content:
        """What counts of a text in the grammar's lines."""
        ...

    def match(
        self, reference: Content, prediction: Content, vectors: TagVectors | None = None
    ) -> InstanceMatch:
        """Which instances are the same."""
        ...

    def score(
        self,
        reference: Content,
        prediction: Content,
        match: InstanceMatch,
        found: Answers,
        right: Answers,
        failures: int = 0,
    ) -> PairScore:
        """The score. ``found``: what a judge who read the prediction answers about the
        reference's items, in their order (``answers_in_order``); ``right`` the other way round."""
        ...

    def answers(self, text: str, asked: str | None) -> tuple[Answers, int]:
        """The answers in a text of lines, and how many failed; ``asked`` are the questions'
        lines, where these are known."""
        ...


@dataclass
class PaperWay:
    """Section 3.2: an item counts if both its answers are right; what is not asked is wrong."""

    similarity: TagSimilarity = field(default_factory=TagSimilarity)
    name: str = PAPER
    rule: str = "an item counts if both answers are right"

    def kept(self, content: Content) -> Content:
        """All of it."""
        return content

    def read(self, text: str) -> Content:
        """What the tolerant reader finds."""
        return parse_content(text).content

    def match(
        self, reference: Content, prediction: Content, vectors: TagVectors | None = None
    ) -> InstanceMatch:
        """By equation A1."""
        if vectors is not self.similarity.vectors:
            self.similarity = TagSimilarity(self.similarity.synonyms, vectors, self.similarity.mu)
        return match_instances(reference, prediction, self.similarity)

    def score(
        self,
        reference: Content,
        prediction: Content,
        match: InstanceMatch,
        found: Answers,
        right: Answers,
        failures: int = 0,
    ) -> PairScore:
        """As ``score_pair``, for which it is the same whose answer is whose."""
        return score_pair(
            reference,
            prediction,
            match,
            _by_item(reference, found),
            _by_item(prediction, right),
            failures,
        )

    def answers(self, text: str, asked: str | None) -> tuple[Answers, int]:
        """By the numbers of the questions' lines; by order where these are not known."""
        if asked is None:
            return read_answers(text)
        questions = [
            plain_question(Item(line.id, name, n, (), ""))
            for n, line in enumerate(lines_of(asked))
            if isinstance(line, Line) and line.id is not None
            for name in ASKED
            if line.type == name
        ]
        parsed = parse_answers(text, questions)
        items = [question.item for question in questions]
        return answers_in_order(items, parsed.answers), parsed.failures


def _by_item(content: Content, answers: Answers) -> dict[int, Answer]:
    """Answers that stand in order, each at an item of its dimension; those beyond are left out."""
    left = {name: iter(answers.get(name, ())) for name in ASKED}
    given = ((item.id, next(left[item.dimension], None)) for item in items_of(content))
    return {id: answer for id, answer in given if answer is not None}


@dataclass
class PublishedWay:
    """The authors' code: half a point for each right answer, and the rest of ``DIFFERENCES``."""

    synonyms: NounSynonyms
    name: str = AS_PUBLISHED
    rule: str = "half a point for each right answer"

    def kept(self, content: Content) -> Content:
        """What their reader keeps."""
        return published_content(content)

    def read(self, text: str) -> Content:
        """What their reader finds."""
        return read_published(text)

    def match(
        self, reference: Content, prediction: Content, vectors: TagVectors | None = None
    ) -> InstanceMatch:
        """By their costs."""
        return match_as_published(reference, prediction, self.synonyms, vectors)

    def score(
        self,
        reference: Content,
        prediction: Content,
        match: InstanceMatch,
        found: Answers,
        right: Answers,
        failures: int = 0,
    ) -> PairScore:
        """As ``score_as_published``."""
        return score_as_published(reference, prediction, match, found, right, failures)

    def answers(self, text: str, asked: str | None) -> tuple[Answers, int]:
        """All that stand there, in order; nobody looks what was asked."""
        return read_answers(text)


def noun_synonyms(wordnet: WordNet | None) -> NounSynonyms:
    """The words of all noun senses of a word and of its singular; none without a dictionary."""
    if wordnet is None:
        return lambda word: frozenset()
    dictionary = wordnet

    @lru_cache(maxsize=1 << 14)
    def synonyms(word: str) -> frozenset[str]:
        one = singular(word.lower())
        return dictionary.synonyms(word, "noun") | dictionary.synonyms(one, "noun")

    return synonyms


def differences() -> list[str]:
    """How the authors' code differs from the paper, and where what is here differs from it."""
    mended = (f"Not as their code: {one[0].lower()}{one[1:]}" for one in MENDED)
    return [*DIFFERENCES, *mended]
