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
from annoengine.pancap.content import Content
from annoengine.pancap.embedded_extractor import extract_all, extractor_version
from annoengine.pancap.embedded_judge import EmbeddedJudge, judge_version
from annoengine.pancap.judging import Answer
from annoengine.pancap.matching import match_instances
from annoengine.pancap.published_files import CAPTIONS, PREDICTIONS, PublishedList
from annoengine.pancap.questions import askable, items_of, map_questions, plain_question
from annoengine.pancap.scoring import PairScore, score_pair
from annoengine.pancap.similarity import TagSimilarity, tags_of

_TOGETHER = 32
"""Images whose captions are parsed, and whose tags are embedded, in one go."""

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Gives float32 (texts, dimensions)."""


@dataclass(frozen=True)
class ScoredImage:
    """One image of the references. ``missing``: nothing was predicted for it, which scores 0."""

    image: str
    score: PairScore
    missing: bool = False


def open_captions(path: Path) -> PublishedList:
    """A list of captions: references (``gt_response``) or predictions (``model_response``).

    Raises InputError for a file that is neither.
    """
    try:
        return PublishedList(path, CAPTIONS)
    except InputError as error:
        if CAPTIONS.key not in str(error):
            raise
        try:
            return PublishedList(path, PREDICTIONS)
        except InputError:
            raise error from None


def score_lists(
    predictions: PublishedList,
    references: PublishedList,
    model: str = DEFAULT_MODEL,
    wordnet: str = OFF,
    embed: Embed | None = None,
) -> Iterator[ScoredImage]:
    """The score of each image of the references, in their order."""
    similarity = TagSimilarity(wordnet_of(wordnet))
    listed = references.images
    for first in range(0, len(listed), _TOGETHER):
        images = listed[first : first + _TOGETHER]
        told = [predictions.get(image) for image in images]
        texts = [references.get(image) or "" for image in images]
        found = extract_all([*texts, *(text or "" for text in told)], model=model)
        contents = [one.content for one in found]
        true, said = contents[: len(images)], contents[len(images) :]
        if embed is not None:
            similarity = TagSimilarity(wordnet_of(wordnet), _vectors(contents, embed))
        for image, text, reference, prediction in zip(images, told, true, said, strict=True):
            score = score_contents(reference, prediction, similarity, wordnet)
            yield ScoredImage(image, score, text is None)


def score_contents(
    reference: Content, prediction: Content, similarity: TagSimilarity, wordnet: str = OFF
) -> PairScore:
    """The score of one content against another; all questions are answered by rules."""
    match = match_instances(reference, prediction, similarity)
    found = _answers(reference, prediction, match.to_prediction, wordnet)
    right = _answers(prediction, reference, match.to_reference, wordnet)
    return score_pair(reference, prediction, match, found, right)


def scored_by(model: str = DEFAULT_MODEL, wordnet: str = OFF) -> str:
    """What made the contents and the answers, for whoever reads the score."""
    return f"{extractor_version(model)}; {judge_version(wordnet)}"


def _answers(
    of: Content, by: Content, ids: Mapping[int, int], wordnet: str
) -> Mapping[int, Answer]:
    asked = map_questions([plain_question(item) for item in askable(items_of(of), ids)], ids)
    return EmbeddedJudge(by, wordnet).answer_all(asked)


def _vectors(contents: Sequence[Content], embed: Embed) -> dict[str, NDArray[np.float32]]:
    tags = tags_of(*contents)
    return dict(zip(tags, embed(tags), strict=True)) if tags else {}
