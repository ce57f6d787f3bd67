"""PancapScore of pairs whose contents, questions and answers are read from published files.

Whoever extracted, asked and answered, the score is computed here, in either way. What the files
lack is made by rules: questions in the plain form, and answers from the other caption's content.
Answers that are there are counted as they stand: which instances had a match when they were asked
is what the files say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError
from annoengine.language.wordnet import OFF
from annoengine.pancap.as_published import Answers, answers_in_order
from annoengine.pancap.content import Content
from annoengine.pancap.embedded_score import (
    TOGETHER,
    Embed,
    ScoredImage,
    answered_by_rules,
    vectors_of,
)
from annoengine.pancap.published_pairs import PairFolder, PairTexts, SideTexts
from annoengine.pancap.questions import Question, askable, items_of, parse_questions
from annoengine.pancap.scoring import no_score
from annoengine.pancap.ways import AS_PUBLISHED, Way


def score_folder(
    pairs: PairFolder, way: Way, wordnet: str = OFF, embed: Embed | None = None
) -> Iterator[ScoredImage]:
    """The score of each image of the references, in their order."""
    listed = pairs.images
    for first in range(0, len(listed), TOGETHER):
        texts = [pairs.get(image) for image in listed[first : first + TOGETHER]]
        contents = [(_reference(pair, way), _prediction(pair, way)) for pair in texts]
        given = [one for two in contents for one in two if one is not None]
        vectors = None if embed is None else vectors_of(given, embed)
        for pair, (reference, prediction) in zip(texts, contents, strict=True):
            if prediction is None:
                yield ScoredImage(pair.image, no_score(), missing=True, judged=False, texts=pair)
            else:
                yield score_texts(pair, reference, prediction, way, wordnet, vectors)


def score_texts(
    pair: PairTexts,
    reference: Content,
    prediction: Content,
    way: Way,
    wordnet: str = OFF,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
) -> ScoredImage:
    """The score of one pair, whose contents ``way.read`` has read."""
    match = way.match(reference, prediction, vectors)
    found, missed = _answers(
        pair.reference, reference, prediction, match.to_prediction, way, wordnet
    )
    if pair.prediction.answers is None and pair.reference.content is None:
        raise InputError(
            f"{pair.image}: neither answers to the prediction's questions (gt_answer.json) nor "
            "the reference's content, from which rules could answer (gt_content.json), are there"
        )
    right, failed = _answers(
        pair.prediction, prediction, reference, match.to_reference, way, wordnet
    )
    score = way.score(reference, prediction, match, found, right, missed + failed)
    judged = pair.reference.answers is None or pair.prediction.answers is None
    return ScoredImage(pair.image, score, judged=judged, texts=pair)


def _reference(pair: PairTexts, way: Way) -> Content:
    """The authors count a reference's items in the file of its questions."""
    texts = (pair.reference.content, pair.reference.questions)
    first, second = texts[::-1] if way.name == AS_PUBLISHED else texts
    return way.read(first if first is not None else second or "")


def _prediction(pair: PairTexts, way: Way) -> Content | None:
    text = pair.prediction.content
    return None if text is None else way.read(text)


def _answers(
    texts: SideTexts, of: Content, by: Content, ids: Mapping[int, int], way: Way, wordnet: str
) -> tuple[Answers, int]:
    """The answers about one side, and how many questions have none."""
    if texts.answers is not None:
        return way.answers(texts.answers, texts.mapped)
    questions = None if texts.questions is None else _questions(texts.questions, of, ids)
    answered = answered_by_rules(of, by, ids, wordnet, questions)
    given = {id: answer for id, (_, answer) in answered.items()}
    return answers_in_order(items_of(of), given), 0


def _questions(text: str, of: Content, ids: Mapping[int, int]) -> Sequence[Question]:
    """The questions in a text about the items that can be asked.

    By order: a model's content may number its lines in another way than the items are numbered.
    """
    items = items_of(of)
    parsed = parse_questions(text, [item._replace(id=-item.id) for item in items])
    wanted = set(askable(items, ids))
    return [
        question._replace(item=item)
        for item, question in zip(items, parsed.questions, strict=True)
        if item in wanted
    ]
