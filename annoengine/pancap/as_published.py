"""PancapScore as the authors' code computes it, so that published tables can be compared.

Captions that share no instance have 0.05 with a judge who says No to everything: their code puts
no question about instances without a match, and of the global states, which it always asks about,
half a point is right. Were all items asked about, as section 3.2 can be read ("how many questions
are correctly answered"), it would be 1.05: half of each of three F-scores, the last by 0.1. With
their code that cannot be, since who is asked about an attribute has a match, and a tag score.

It differs from the paper's section 3.2, and from annoengine's default, in what ``DIFFERENCES``
lists; a report that uses it prints them. Where that code stops with an error, there is a number
here, and ``MENDED`` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import cast

import numpy as np
from scipy.optimize import linear_sum_assignment

from annoengine.pancap.content import Content
from annoengine.pancap.judging import Answer
from annoengine.pancap.line_writing import write_content
from annoengine.pancap.matching import InstanceMatch, Pair, Weights, best_ious
from annoengine.pancap.published_reading import published_lines, read_published
from annoengine.pancap.questions import ASKED, AskedDimension, Item
from annoengine.pancap.scoring import (
    Dimension,
    DimensionScore,
    PairScore,
    boxed_entities,
    dimension_score,
    f_score,
)
from annoengine.pancap.similarity import Cosines, TagVectors
from annoengine.pancap.strict_lines import read_strict_answers

DIFFERENCES = (
    "Each answer that is right gives half a point; the paper wants both answers of an item.",
    "Precision of attributes, relations and global states is over the answers that came back, so "
    "that items of unmatched instances, which are not asked, do not lower it; recall is over all "
    "items of the reference.",
    "Answers are counted as they stand, by order; no id is compared, and one answer more than "
    "there are items still counts, so that a share may be above 1.",
    "A dimension that the reference does not speak of is 0.",
    "Tags are matched by a ladder of costs: −1000 for the same text, else −100 times the IoU of "
    "their words' synonyms over all senses, else −10 times a cosine of 0.5 or more, else no "
    "match; the IoU of boxes counts from 0.5 on.",
    "A tag that is a part of the other's text, as 'car' of 'scarf', is a full synonym.",
    "An entity has one location, the last that was said.",
    "The reference's items are counted in the file of its questions, where there is one.",
    "'_' is read as a space, and of a tag with commas the last part is the tag; an attribute whose "
    "text does not contain its entity's name, or a relation whose text does not contain its first "
    "one's, is dropped; 'entity 1' is found in 'entity 12'.",
)
"""What the authors' code does otherwise than the paper says. Source: their eval_alldims and
eval_tag_and_loc."""

MENDED = (
    "An image without a prediction has the score 0; their code stops.",
    "A reference or a prediction without entities has the tag score 0; their code divides by 0.",
    "An answer that is not two words counts for nothing and is a failure; their code stops.",
    "The ids of a question are mapped all at once; their code replaces one after the other, and "
    "the 1 of 'entity 12' with them.",
)
"""Where this is not what their code does."""

NounSynonyms = Callable[[str], Set[str]]
"""A word → the words of all its noun senses in WordNet, the word's own lemma among them."""

_SAME, _SYNONYM, _NEAR, _APART = -1000.0, -100.0, -10.0, 1e6
_DELTA = 0.5


def published_content(content: Content) -> Content:
    """What the authors' reader keeps of a content, once it is written."""
    return read_published(write_content(content))


def synonym_share(one: str, other: str, synonyms: NounSynonyms) -> float:
    """The IoU of two tags' synonyms over all their words; 1 where one is a part of the other.

    >>> synonym_share("car", "scarf", lambda word: {word})
    1.0
    >>> synonym_share("dog", "cat", lambda word: {word})
    0.0
    """
    if one in other or other in one:
        return 1.0
    return _share(_words_of(one, synonyms), _words_of(other, synonyms))


def _words_of(tag: str, synonyms: NounSynonyms) -> Set[str]:
    return frozenset().union(*(synonyms(word) for word in tag.split()))


def _share(ours: Set[str], theirs: Set[str]) -> float:
    return len(ours & theirs) / (len(ours | theirs) + 1e-6)


def match_as_published(
    reference: Content,
    prediction: Content,
    synonyms: NounSynonyms,
    vectors: TagVectors | None = None,
) -> InstanceMatch:
    """The matches of two contents of ``published_content``. A pair's similarity is its saving."""
    if not reference.entities or not prediction.entities:
        return InstanceMatch(())
    costs = _tag_costs(reference, prediction, synonyms, vectors)
    overlaps = best_ious(reference, prediction)
    near = (costs < 0) & (overlaps >= _DELTA)
    rows, columns = linear_sum_assignment(np.where(near, costs - overlaps, costs))
    pairs = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if costs[row, column] < 0:
            overlap = float(overlaps[row, column])
            pairs.append(
                Pair(
                    reference.entities[row].id,
                    prediction.entities[column].id,
                    -float(costs[row, column]),
                    overlap if overlap >= 0 else None,
                )
            )
    return InstanceMatch(tuple(pairs))


def _tag_costs(
    reference: Content,
    prediction: Content,
    synonyms: NounSynonyms,
    vectors: TagVectors | None,
) -> Weights:
    ones = [entity.tag for entity in reference.entities]
    others = [entity.tag for entity in prediction.entities]
    apart = np.zeros((len(ones), len(others)))
    near = apart if vectors is None else Cosines(vectors).of(ones, others)
    words = {tag: _words_of(tag, synonyms) for tag in dict.fromkeys([*ones, *others])}
    costs = np.where(near >= _DELTA, _NEAR * near, _APART)
    for row, one in enumerate(ones):
        ours = words[one]
        for column, other in enumerate(others):
            if one == other:
                costs[row, column] = _SAME
            elif one in other or other in one:
                costs[row, column] = _SYNONYM
            elif not ours.isdisjoint(words[other]):
                costs[row, column] = _SYNONYM * _share(ours, words[other])
    return costs


Answers = Mapping[AskedDimension, Sequence[Answer]]
"""The answers of each dimension, in the order in which they stand."""


def answers_in_order(items: Iterable[Item], answers: Mapping[int, Answer]) -> Answers:
    """The answers that came back, in the order of their items."""
    ordered: dict[AskedDimension, list[Answer]] = {name: [] for name in ASKED}
    for item in items:
        if item.id in answers:
            ordered[item.dimension].append(answers[item.id])
    return ordered


_ID_FIELDS: Mapping[str, int] = {"attribute": 1, "relation": 2, "global": 0}
_YES_NO: Mapping[str, bool] = {"yes": True, "no": False}


def read_answers(text: str) -> tuple[Answers, int]:
    """The answers of a published answers file's text, and how many lines have not two.

    Only "yes" and "no" count, in any case and with quotation marks; "Yes." is neither.

    >>> read_answers('9 | attribute -->> (entity 1, "Yes", "No")')[0]["attribute"]
    [Answer(yes=True, no=False)]
    """
    answers: dict[AskedDimension, list[Answer]] = {name: [] for name in ASKED}
    strict = read_strict_answers(text)
    if strict is not None:
        for _, type, yes, no in strict:
            answers[cast(AskedDimension, type)].append(Answer(yes, no))
        return answers, 0
    failures = 0
    for _, type, fields in published_lines(text):
        dimension = cast(AskedDimension, type)
        count = _ID_FIELDS.get(dimension)
        if count is None or len(fields) < count:
            continue
        ids, said = fields[:count], fields[count:]
        if not all(id.strip(" ").startswith("entity") for id in ids):
            continue
        words = [_YES_NO.get(word.strip("'\" ,").lower()) for word in said[:2]]
        failures += len(words) < 2
        answers[dimension].append(Answer(*words) if len(words) == 2 else Answer(None, None))
    return answers, failures


def score_as_published(
    reference: Content,
    prediction: Content,
    match: InstanceMatch,
    found: Answers,
    right: Answers,
    failures: int = 0,
) -> PairScore:
    """The score of a prediction, both contents as ``published_content`` gives them.

    ``found`` are the answers to questions about the reference's items, by a judge who read the
    prediction; ``right`` the other way round.
    """
    matched, located = len(match.pairs), match.located(_DELTA)
    dimensions: dict[Dimension, DimensionScore] = {
        "tag": dimension_score(
            matched, len(reference.entities), matched, len(prediction.entities), 0.0
        ),
        "location": dimension_score(
            located, boxed_entities(reference), located, boxed_entities(prediction), 0.0
        ),
    }
    counts: dict[AskedDimension, tuple[int, int]] = {
        "attribute": (len(reference.attributes), len(prediction.attributes)),
        "relation": (len(reference.relations), len(prediction.relations)),
        "global": (len(reference.globals), len(prediction.globals)),
    }
    for name in ASKED:
        dimensions[name] = _asked_score(found.get(name, ()), right.get(name, ()), *counts[name])
    return PairScore(dimensions, failures)


def _asked_score(
    found: Sequence[Answer], right: Sequence[Answer], reference: int, prediction: int
) -> DimensionScore:
    if not reference:
        return DimensionScore(0.0, 0.0, 0.0, 0, prediction)
    # One answer more than there are items is taken in before their loop ends.
    recall = sum(answer.halves for answer in found[: reference + 1]) / reference
    precision = 0.0
    if right and prediction:
        precision = sum(answer.halves for answer in right[: prediction + 1]) / len(right)
    return DimensionScore(precision, recall, f_score(precision, recall), reference, prediction)
