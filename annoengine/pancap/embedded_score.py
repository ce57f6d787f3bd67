"""PancapScore of lists of captions without any model that answers: by the embedded stand-ins.

Contents are extracted by rules over spaCy's parse, tags are matched by their words (by WordNet and
by vectors where these are given), and questions are answered by rules from the other caption's
content. What comes out compares two ways of captioning; it is no figure to set beside published
ones, whose extractor and judge are a language model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError
from annoengine.language.parser import DEFAULT_MODEL
from annoengine.language.wordnet import OFF, wordnet_of
from annoengine.pancap.as_published import answers_in_order
from annoengine.pancap.content import Content
from annoengine.pancap.embedded_extractor import extract_all, extractor_version
from annoengine.pancap.embedded_judge import EmbeddedJudge, judge_version
from annoengine.pancap.judging import Answer, answer_line
from annoengine.pancap.line_writing import first_item_id, write_content
from annoengine.pancap.matching import InstanceMatch
from annoengine.pancap.published_files import CAPTIONS, CONTENT, PREDICTIONS, PublishedList
from annoengine.pancap.published_pairs import PairTexts, SideTexts
from annoengine.pancap.questions import (
    Question,
    askable,
    items_of,
    map_questions,
    plain_question,
    write_questions,
)
from annoengine.pancap.scoring import PairScore, no_score
from annoengine.pancap.similarity import TagSimilarity, tags_of
from annoengine.pancap.ways import PaperWay, PublishedWay, Way, noun_synonyms

TOGETHER = 32
"""Images whose captions are parsed, and whose tags are embedded, in one go."""

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Gives float32 (texts, dimensions)."""


@dataclass(frozen=True)
class ScoredImage:
    """One image of the references. ``missing``: nothing was predicted for it, which scores 0.

    ``judged``: rules answered, and no file did. ``texts``: what lies between captions and score.
    """

    image: str
    score: PairScore
    missing: bool = False
    judged: bool = True
    texts: PairTexts | None = None


@dataclass(frozen=True)
class Judged:
    """The content of two captions, who is whom, and the questions with their answers, of either
    side by item id."""

    reference: Content
    prediction: Content
    match: InstanceMatch
    there: Mapping[int, tuple[Question, Answer]]
    back: Mapping[int, tuple[Question, Answer]]


def open_captions(path: Path) -> PublishedList:
    """A list of captions (``gt_response``, ``model_response``), or of their extracted content
    (``all_content``).

    Raises InputError for a file that is none of them.
    """
    first: InputError | None = None
    for kind in (CAPTIONS, PREDICTIONS, CONTENT):
        try:
            return PublishedList(path, kind)
        except InputError as error:
            if first is None and CAPTIONS.key not in str(error):
                raise
            first = first or error
    assert first is not None
    raise first


def way_of(as_published: bool, wordnet: str = OFF) -> Way:
    """The paper's way, or the authors' code's; tags are matched with this WordNet."""
    if as_published:
        return PublishedWay(noun_synonyms(wordnet_of(wordnet)))
    return PaperWay(TagSimilarity(wordnet_of(wordnet)))


def score_lists(
    predictions: PublishedList,
    references: PublishedList,
    model: str = DEFAULT_MODEL,
    wordnet: str = OFF,
    embed: Embed | None = None,
    way: Way | None = None,
    with_texts: bool = False,
) -> Iterator[ScoredImage]:
    """The score of each image of the references, in their order, by the paper's way unless told
    otherwise."""
    way = way or way_of(False, wordnet)
    listed = references.images
    for first in range(0, len(listed), TOGETHER):
        images = listed[first : first + TOGETHER]
        true = _contents(references, images, way, model)
        said = _contents(predictions, images, way, model)
        given = [one for one in (*true, *said) if one is not None]
        vectors = None if embed is None else vectors_of(given, embed)
        for image, reference, prediction in zip(images, true, said, strict=True):
            own = reference or Content()
            judged = judge_contents(way, own, prediction or Content(), wordnet, vectors)
            missing = prediction is None
            score = no_score() if missing else score_judged(way, judged)
            texts = texts_of(image, judged, missing) if with_texts else None
            yield ScoredImage(image, score, missing, texts=texts)


def _contents(
    listed: PublishedList, images: Sequence[str], way: Way, model: str
) -> list[Content | None]:
    """The content of each caption, extracted unless it is what is listed; None: not listed."""
    texts = [listed.get(image) for image in images]
    if listed.kind is CONTENT:
        return [None if text is None else way.read(text) for text in texts]
    found = extract_all([text or "" for text in texts], model=model)
    return [
        None if text is None else way.kept(one.content)
        for text, one in zip(texts, found, strict=True)
    ]


def score_contents(
    reference: Content, prediction: Content, similarity: TagSimilarity, wordnet: str = OFF
) -> PairScore:
    """The score of one content against another; all questions are answered by rules."""
    way = PaperWay(similarity)
    return score_judged(
        way, judge_contents(way, reference, prediction, wordnet, similarity.vectors)
    )


def judge_contents(
    way: Way,
    reference: Content,
    prediction: Content,
    wordnet: str = OFF,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Judged:
    """All questions of either side, answered by rules from the other."""
    match = way.match(reference, prediction, vectors)
    return Judged(
        reference,
        prediction,
        match,
        answered_by_rules(reference, prediction, match.to_prediction, wordnet),
        answered_by_rules(prediction, reference, match.to_reference, wordnet),
    )


def answered_by_rules(
    of: Content,
    by: Content,
    ids: Mapping[int, int],
    wordnet: str = OFF,
    questions: Sequence[Question] | None = None,
) -> dict[int, tuple[Question, Answer]]:
    """The questions about one content, in the plain form unless they are given, and what rules
    answer from the other: by item id, in the order of the items."""
    if questions is None:
        questions = [plain_question(item) for item in askable(items_of(of), ids)]
    asked = map_questions(questions, ids)
    answers = EmbeddedJudge(by, wordnet).answer_all(asked)
    return {question.item.id: (question, answers[question.item.id]) for question in asked}


def score_judged(way: Way, judged: Judged) -> PairScore:
    """The score of what was answered."""
    found, right = (
        answers_in_order(items_of(of), {id: answer for id, (_, answer) in answered.items()})
        for of, answered in ((judged.reference, judged.there), (judged.prediction, judged.back))
    )
    return way.score(judged.reference, judged.prediction, judged.match, found, right)


def texts_of(image: str, judged: Judged, missing: bool = False) -> PairTexts:
    """What was judged, as the published files have it."""
    reference, prediction = judged.reference, judged.prediction
    there = _side(reference, prediction, judged.there)
    back = SideTexts() if missing else _side(prediction, reference, judged.back)
    return PairTexts(image, there, back)


def _side(of: Content, by: Content, answered: Mapping[int, tuple[Question, Answer]]) -> SideTexts:
    # Numbered behind the lines of the caption that is read, as the authors do.
    renumbered = [
        (question._replace(item=question.item._replace(id=number)), answer)
        for number, (question, answer) in enumerate(answered.values(), start=first_item_id(by))
    ]
    return SideTexts(
        write_content(of),
        write_questions(of, map(plain_question, items_of(of))),
        write_questions(by, [question for question, _ in renumbered]),
        "\n".join(answer_line(question, answer) for question, answer in renumbered),
    )


def scored_by(model: str = DEFAULT_MODEL, wordnet: str = OFF) -> str:
    """What made the contents and the answers, for whoever reads the score."""
    return f"{extractor_version(model)}; {judge_version(wordnet)}"


def vectors_of(contents: Sequence[Content], embed: Embed) -> dict[str, NDArray[np.float32]]:
    """The vector of each tag."""
    tags = tags_of(*contents)
    return dict(zip(tags, embed(tags), strict=True)) if tags else {}
