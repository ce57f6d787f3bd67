"""PancapScore of two captions of one image, with a text model as extractor and as judge.

Six calls a pair, as in the paper: each caption is read, questions are written about each, and
those about one are answered from the other. Either model may be the embedded stand-in, and what
was extracted earlier is handed in and not asked for again. Everything goes through ``ask``, so
that what is done is never asked twice.

Source: arXiv 2505.16334, section 3.2, appendix C.1, and section 4.1 for the consistency of two
captions (without location).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from annoengine.language.wordnet import wordnet_of
from annoengine.pancap.asked_answers import (
    AskedQuestions,
    GivenAnswers,
    Judging,
    answer_questions,
    write_questions,
)
from annoengine.pancap.asked_content import ContentRead, Extraction, Told, read_content
from annoengine.pancap.content import Content
from annoengine.pancap.content_items import items_of_lines, turn_of
from annoengine.pancap.embedded_judge import EmbeddedJudge, judge_version
from annoengine.pancap.judging import NO_ANSWER, answer_line
from annoengine.pancap.line_writing import write_content
from annoengine.pancap.matching import InstanceMatch, match_instances
from annoengine.pancap.questions import (
    Question,
    items_of,
    map_questions,
    plain_question,
    question_line,
)
from annoengine.pancap.scoring import PairScore, score_pair
from annoengine.pancap.similarity import TagSimilarity, tags_of
from annoengine.record import ContentItem, Origin
from annoengine.stage import Ask

Result = TypeVar("Result")

Vectors = Mapping[str, NDArray[np.float32]]
"""Tag → vector."""


@dataclass(frozen=True)
class JudgedSide:
    """What was asked about one caption, with its own ids, and answered from the other one."""

    side: str
    questions: AskedQuestions
    asked: tuple[Question, ...]
    answers: GivenAnswers

    def items(self, stage: str) -> tuple[ContentItem, ...]:
        """The lines of the questions and of the answers, for the record.

        All that were asked have an answer's line, if need be one that says that there is none.
        """
        wrote = Origin(stage=stage, model=self.questions.by, turn=turn_of("questions", self.side))
        said = Origin(stage=stage, model=self.answers.by, turn=turn_of("answers", self.side))
        given = self.answers.answers
        return (
            *items_of_lines(map(question_line, self.questions.questions), wrote),
            *items_of_lines(
                (answer_line(q, given.get(q.item.id, NO_ANSWER)) for q in self.asked), said
            ),
        )


@dataclass(frozen=True)
class JudgedPair:
    """The score of a pair, and all that it was made of."""

    score: PairScore
    match: InstanceMatch
    reference: JudgedSide
    prediction: JudgedSide

    @property
    def plain(self) -> int:
        """Items that were asked in the plain form, because no question was written for them."""
        return self.reference.questions.plain + self.prediction.questions.plain


def content_items(told: Told, read: ContentRead, stage: str) -> tuple[ContentItem, ...]:
    """The lines of what was read of a caption, for the record."""
    origin = Origin(
        stage=stage,
        model=read.by,
        prompt=read.prompt,
        turn=turn_of("content", told.side),
        repairs=read.repairs,
    )
    return items_of_lines(write_content(read.content).splitlines(), origin)


async def score_captions(
    reference: Told,
    prediction: Told,
    ask: Ask,
    extraction: Extraction,
    judging: Judging,
    known: Mapping[str, Content] | None = None,
) -> tuple[JudgedPair, Mapping[str, ContentRead]]:
    """The score of one caption against another, and what was read of either, by side.

    ``known`` are contents by side that need not be read again. Without the dimension of location
    the score is ``pair.score.total`` of the other dimensions. Raises RecordFailed where a model
    was not reached, or no answer about a caption could be used.
    """
    known = known or {}
    sides = (reference, prediction)
    unread = [told for told in sides if told.side not in known]
    found = await all_ended([read_content(told, ask, extraction) for told in unread])
    read = {told.side: one for told, one in zip(unread, found, strict=True)}
    contents = [
        known[told.side] if told.side in known else read[told.side].content for told in sides
    ]
    return await judge_contents(reference, prediction, contents, ask, judging), read


async def all_ended(asked: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of several askings at once. The first error is raised when all have ended, so
    that what was paid for is in the journal."""
    results = await asyncio.gather(*asked, return_exceptions=True)
    good: list[Result] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        good.append(result)
    return good


async def _both(
    one: Coroutine[Any, Any, Result], other: Coroutine[Any, Any, Result]
) -> tuple[Result, Result]:
    first, second = await all_ended([one, other])
    return first, second


async def judge_contents(
    reference: Told,
    prediction: Told,
    contents: Sequence[Content],
    ask: Ask,
    judging: Judging,
) -> JudgedPair:
    """The score of a pair whose contents are known. Raises RecordFailed: ``gave_up``."""
    true, said = contents
    if not judging.asks:
        vectors = await _vectors(contents, ask, judging.vectors)
        return await ask.compute(
            judge_by_rules, reference.side, prediction.side, true, said, judging.wordnet, vectors
        )
    of_reference, of_prediction = await _both(
        write_questions(reference.side, true, ask, judging),
        write_questions(prediction.side, said, ask, judging),
    )
    vectors = await _vectors(contents, ask, judging.vectors)
    match = await ask.compute(match_contents, true, said, judging.wordnet, vectors)
    found = map_questions(of_reference.questions, match.to_prediction)
    right = map_questions(of_prediction.questions, match.to_reference)
    about_reference, about_prediction = await _both(
        answer_questions(reference.side, prediction, said, found, ask, judging),
        answer_questions(prediction.side, reference, true, right, ask, judging),
    )
    failures = about_reference.failures + about_prediction.failures
    return JudgedPair(
        score_pair(true, said, match, about_reference.answers, about_prediction.answers, failures),
        match,
        JudgedSide(reference.side, of_reference, found, about_reference),
        JudgedSide(prediction.side, of_prediction, right, about_prediction),
    )


async def _vectors(contents: Sequence[Content], ask: Ask, role: str) -> Vectors | None:
    if not role:
        return None
    tags = tags_of(*contents)
    return dict(zip(tags, await ask.embed(tags, role), strict=True)) if tags else {}


@cache
def _similarity(wordnet: str) -> TagSimilarity:
    """One a process: pairs of tags are compared once."""
    return TagSimilarity(wordnet_of(wordnet))


def match_contents(
    reference: Content, prediction: Content, wordnet: str, vectors: Vectors | None = None
) -> InstanceMatch:
    """The instances of two contents that are the same; runs in the CPU pool."""
    similarity = _similarity(wordnet)
    if vectors is not None:
        similarity = TagSimilarity(wordnet_of(wordnet), vectors)
    return match_instances(reference, prediction, similarity)


def judge_by_rules(
    reference_side: str,
    prediction_side: str,
    reference: Content,
    prediction: Content,
    wordnet: str,
    vectors: Vectors | None = None,
) -> JudgedPair:
    """A pair judged by the embedded stand-in; runs in the CPU pool."""
    match = match_contents(reference, prediction, wordnet, vectors)
    found = _by_rules(reference_side, reference, prediction, match.to_prediction, wordnet)
    right = _by_rules(prediction_side, prediction, reference, match.to_reference, wordnet)
    answers: Any = (found.answers.answers, right.answers.answers)
    return JudgedPair(score_pair(reference, prediction, match, *answers), match, found, right)


def _by_rules(
    side: str, of: Content, by: Content, ids: Mapping[int, int], wordnet: str
) -> JudgedSide:
    questions = tuple(map(plain_question, items_of(of)))
    asked = map_questions(questions, ids)
    answers = dict(EmbeddedJudge(by, wordnet).answer_all(asked))
    said = GivenAnswers(answers, 0, judge_version(wordnet))
    return JudgedSide(side, AskedQuestions(questions), asked, said)
