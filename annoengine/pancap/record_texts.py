"""Gives the texts of a scored record as the published files have them, and its score.

What a run keeps line by line is put together again: content, questions, the questions with the ids
of the other caption, and answers. So whatever reads published files reads a run.
"""

from __future__ import annotations

from collections.abc import Iterator

from annoengine.pancap.asked_content import EMBEDDED
from annoengine.pancap.content_items import caption_by, content_of, lines_of_turn, turn_of
from annoengine.pancap.embedded_score import ScoredImage
from annoengine.pancap.line_fields import Line, lines_of
from annoengine.pancap.published_pairs import PairTexts, SideTexts
from annoengine.pancap.questions import items_of, map_questions, parse_questions, question_line
from annoengine.pancap.scoring import DIMENSIONS, DimensionScore, PairScore, no_score
from annoengine.record import Record
from annoengine.score_values import Values


def pair_texts(
    record: Record, reference: str = "reference", prediction: str = "prediction"
) -> PairTexts:
    """The texts of both captions; none for a caption that is not there."""
    return PairTexts(
        record.photo.file, _side_texts(record, reference), _side_texts(record, prediction)
    )


def _side_texts(record: Record, side: str) -> SideTexts:
    if caption_by(record, side) is None:
        return SideTexts()
    return SideTexts(
        "\n".join(lines_of_turn(record, turn_of("content", side))),
        "\n".join(lines_of_turn(record, turn_of("questions", side))),
        "\n".join(_mapped(record, side)),
        "\n".join(lines_of_turn(record, turn_of("answers", side))),
    )


def _mapped(record: Record, side: str) -> Iterator[str]:
    """The questions that were asked, with the ids of the caption that was read: the answers'."""
    questions = "\n".join(lines_of_turn(record, turn_of("questions", side)))
    by_id = {
        question.item.id: question
        for question in parse_questions(questions, items_of(content_of(record, side))).questions
    }
    for line in lines_of("\n".join(lines_of_turn(record, turn_of("answers", side)))):
        question = by_id.get(line.id or 0) if isinstance(line, Line) else None
        if not isinstance(line, Line) or question is None:
            continue
        there = [
            int(field.split()[1]) for field in line.rest.split(", ") if field.startswith("entity ")
        ]
        ids = dict(zip(question.item.entities, there, strict=False))
        yield from map(question_line, map_questions([question], ids))


def scored_image(record: Record, name: str = "pancap") -> ScoredImage | None:
    """The score that a run has stored for an image; None where there is none."""
    own = Values.of_record(record).own
    if name not in own:
        return None
    image, texts = record.photo.file, pair_texts(record)
    if own[f"{name}.missing"]:
        return ScoredImage(image, no_score(), missing=True, judged=False, texts=texts)
    dimensions = {
        dimension: DimensionScore(
            own[f"{name}.{dimension}.precision"],
            own[f"{name}.{dimension}.recall"],
            own[f"{name}.{dimension}"],
        )
        for dimension in DIMENSIONS
    }
    score = PairScore(dimensions, round(own[f"{name}.failures"]))
    return ScoredImage(image, score, judged=_by_rules(record), texts=texts)


def _by_rules(record: Record) -> bool:
    """Did rules answer?"""
    return any(
        item.origin.turn.startswith("answers/") and item.origin.model.startswith(EMBEDDED)
        for item in record.content
    )
