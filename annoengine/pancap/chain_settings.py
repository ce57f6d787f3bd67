"""The settings of PancapChain's four turns, and how a question names its grid and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from annoengine.pancap.chain_entities import Ground
from annoengine.pancap.grid_boxes import BoxGrid, Frame
from annoengine.turns import AskingParameters

Turn = Literal["localise", "tag", "discover", "caption"]
"""The four turns in their order."""

_FORMS: Mapping[Turn, str] = {
    "localise": "boxes, <box>[[x1, y1, x2, y2]]</box>, <box>[[x1, y1, x2, y2]]</box>",
    "tag": "tags with boxes, tag <box>[[x1, y1, x2, y2]]</box>, tag <box>[[x1, y1, x2, y2]]</box>, "
    "each box as it was given",
    "discover": "tags with boxes of entities that are missing, "
    "tag <box>[[x1, y1, x2, y2]]</box>, tag <box>[[x1, y1, x2, y2]]</box>, or of the word None",
}
_FRAMES: Mapping[Frame, str] = {
    "padded": "in whole steps from 0 to {0} of the square whose side is the image's longer side, "
    "with the image in its middle",
    "resized": "in whole steps from 0 to {0} of the image's width and height",
}


class PancapChainParameters(AskingParameters):
    """How the four questions are asked, and what becomes of their answers."""

    model: str = "annotator"
    """The role of the model that is asked."""
    localise_prompts: tuple[str, ...] = Field(("pancap_chain/localise1.v1",), min_length=1)
    """Prompts of the first turn, of which each record draws one; those ending in 1 are the
    paper's, those ending in 2 also say how to answer."""
    tag_prompts: tuple[str, ...] = Field(("pancap_chain/tag1.v1",), min_length=1)
    """Prompts of the second turn."""
    discover_prompts: tuple[str, ...] = Field(("pancap_chain/discover1.v1",), min_length=1)
    """Prompts of the third turn."""
    caption_prompts: tuple[str, ...] = Field(("pancap_chain/caption1.v1",), min_length=1)
    """Prompts of the fourth turn."""
    list_repair_prompts: tuple[str, ...] = ("pancap_chain/list_repair1.v1",)
    """Prompts by which one of the first three answers is asked for again."""
    caption_repair_prompts: tuple[str, ...] = ("pancap_chain/caption_repair1.v1",)
    """Prompts by which the caption is asked for again."""
    answer: str = "pancap"
    """The grammar by which the caption is read."""
    frame: Frame = "padded"
    """On what the steps of a box count: the square that ``padded`` the image, as the released model
    has them, or the image ``resized`` to a square: its own width and height."""
    scale: Literal[999, 1000] = 1000
    """The step of the right and the lower edge; 999 is ASMv2's."""
    talk: Literal["turns", "conversation"] = "turns"
    """``turns``: each question stands alone, with the image, as in the paper. ``conversation``: it
    follows the questions and answers before it."""
    ground: Ground = "record"
    """Whose segments the entities are. ``record``: a region that the record has, where one lies
    there, and else a new one. ``own``: always new ones."""
    repair: int = Field(default=1, ge=0)
    """How often an answer with faults is asked for again; 0 is the paper."""
    on_useless: Literal["fail", "keep", "leave"] = "fail"
    """What becomes of a record without entities or a usable caption: ``fail`` sets it aside,
    ``leave`` lets it go on as it was. ``keep`` is ``fail``, but for a caption that is only too
    short or too long, or has no right box."""
    least_iou: float = Field(default=0.5, gt=0, le=1)
    """From which IoU on a box is another. Source: arXiv 2505.16334, section 5 (delta_l)."""
    paragraphs: Literal["join", "keep"] = "join"
    """Whether line breaks of the caption make one paragraph, which ``rephrase`` can mend, or
    stay."""
    words: int = Field(default=250, ge=1)
    """How many words a caption is likely to have, and is asked for where the prompt says so.
    Source: arXiv 2505.16334, Table A3 (257.5 on average in the training set)."""
    least_words: int = Field(default=20, ge=0)
    """The fewest words of a caption."""
    most_words: int = Field(default=800, ge=1)
    """The most words of a caption."""


def grid_of(grid: BoxGrid) -> str:
    """What the numbers of a box count, in words that follow its edges.

    >>> grid_of(BoxGrid("resized", 999))
    "in whole steps from 0 to 999 of the image's width and height"
    """
    return _FRAMES[grid.frame].format(grid.scale)


def form_of(turn: Turn) -> str:
    """What an answer consists of, where it is a list; "" for the caption."""
    return _FORMS.get(turn, "")
