"""Files beside an export that say what the published formats have no place for.

For each split: ``provenance_<split>.jsonl`` (who wrote each caption),
``interactions_<split>.jsonl`` (what goes on between segments) and ``gaps_<split>.jsonl``
(segments without a caption, and why). Each line names the image and the segments by the ids of
the export.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from annoengine.record import Caption, Origin, Record, Relation, Segment
from annoengine.writing.json_stream import JsonLines


def origin_row(origin: Origin) -> dict[str, Any]:
    """An origin as JSON: model as it named itself, prompt and its hash, call key, turn, repairs.

    Where a person said it: who, and when, as that person gave them.
    """
    person = {"who": origin.who, "when": origin.when} if origin.who else {}
    return {
        "model": origin.model,
        "prompt": origin.prompt,
        "prompt_sha256": origin.prompt_sha256,
        "stage": origin.stage,
        "call": origin.call,
        "turn": origin.turn,
        "repairs": int(origin.repairs),
        **person,
    }


def earlier_rows(said: Caption | Relation) -> dict[str, Any]:
    """The origins of the texts that this one was made of, oldest first, where there are any."""
    return {"earlier": [origin_row(origin) for origin in said.earlier]} if said.earlier else {}


def scores_of(record: Record, segment_id: int | None) -> list[dict[str, Any]]:
    """The scores of one segment (None: of the whole image), in the record's order."""
    return [
        {"name": score.name, "value": float(score.value), "by": score.by}
        for score in record.scores
        if score.segment == segment_id
    ]


class Sidecars(AbstractContextManager["Sidecars"]):
    """The three files of one split."""

    def __init__(self, folder: Path, split: str) -> None:
        self._provenance = JsonLines(folder / f"provenance_{split}.jsonl")
        self._interactions = JsonLines(folder / f"interactions_{split}.jsonl")
        self._gaps = JsonLines(folder / f"gaps_{split}.jsonl")

    def caption(
        self, record: Record, image_id: int | str, segment_id: int, caption: Caption
    ) -> None:
        """Who wrote the caption of a segment; ``segment_id`` is its id in the export."""
        self._provenance.add(
            {
                "image_id": image_id,
                "segment_id": segment_id,
                "padded": False,
                **origin_row(caption.origin),
                **earlier_rows(caption),
                "scores": scores_of(record, caption.segment),
            }
        )

    def padding(self, image_id: int | str, segment_id: int, text: str) -> None:
        """A text that no model wrote, put where a caption is missing."""
        self._provenance.add(
            {"image_id": image_id, "segment_id": segment_id, "padded": True, "text": text}
        )

    def interaction(
        self, image_id: int | str, relation: Relation, segment_ids: Sequence[int]
    ) -> None:
        """What goes on between segments, the acting one first, by their ids in the export."""
        self._interactions.add(
            {
                "image_id": image_id,
                "segment_ids": list(segment_ids),
                "text": relation.text,
                "origin": origin_row(relation.origin),
                **earlier_rows(relation),
            }
        )

    def gap(
        self,
        image_id: int | str,
        segment: Segment,
        why: tuple[str, str, str],
        exported: bool,
        id: int | None = None,
    ) -> None:
        """A segment without a caption. ``why`` is reason, detail and the stage that says so.

        ``id`` is its id in the export; where the image was left out, its own is given.
        """
        reason, detail, stage = why
        self._gaps.add(
            {
                "image_id": image_id,
                "segment_id": segment.id if id is None else id,
                "category": segment.category.name,
                "iscrowd": int(segment.iscrowd),
                "reason": reason,
                "detail": detail,
                "stage": stage,
                "image_exported": exported,
            }
        )

    def __exit__(self, *error: object) -> None:
        for file in (self._provenance, self._interactions, self._gaps):
            file.close()
