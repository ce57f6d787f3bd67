"""Takes captions as files hold them, and leaves the text that a person would read.

What is no language is taken out, so that it counts as no word: tags of phrases, tokens of
segments, boxes, bold. A published mean may count some of it; no paper says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from annoengine.errors import InputError
from annoengine.grounded.tag_markup import without_markup
from annoengine.reading.coco_json import shown, text_of

TEXT_FIELDS = ("caption", "captions", "text", "txt", "description", "response")
"""Fields that hold captions where none is named."""

IMAGE_FIELDS = ("image_id", "image", "image_path", "file_name", "id", "__key__", "key")
"""Fields that tell the image, the first that is there."""

_TOKENS = re.compile(r"<image>\s*|\s*(?:\[SEG\]|<SEG\w*>)|<p>\s*|\s*</p>|<bbox>", re.IGNORECASE)
_NUMBERS = r"\[\[[\d\s.,\[\]-]*\]\]"
_BOXES = re.compile(
    rf"\s*\((?:bounding box:?)?\s*{_NUMBERS}\s*\)"
    rf"|\s*(?:<box>)?\s*{_NUMBERS}\s*(?:</box>)?(?=\W|$)",
    re.IGNORECASE,
)


def captions_in(value: Any, where: str) -> tuple[str, ...]:
    """The captions that a field holds: a text, or a list of texts; none where it is null.

    Raises InputError, which begins with ``where``, for anything else.
    """
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(text_of(one) or "" for one in value)
    text = text_of(value)
    if text is None:
        raise InputError(f"{where} is {shown(value)}; a caption is a text, or a list of texts")
    return (text,)


def without_tokens(text: str) -> str:
    """The text without the tokens of images and segments.

    >>> without_tokens("<image>\\n<p> Two men </p> [SEG] by a <p> tree </p> <SEG_s>.")
    'Two men by a tree.'
    """
    return _TOKENS.sub("", text).strip()


def without_boxes(text: str) -> str:
    """The text without boxes and bold.

    >>> without_boxes("A **man** (bounding box: [[0.4, 0.3, 0.7, 1.0]]) sits here [[0, 0, 1, 1]].")
    'A man sits here.'
    """
    return _BOXES.sub("", without_markup(text)[0]).strip()


def image_of(entry: Mapping[str, Any], position: int) -> str:
    """The image that an entry is about; where it does not say, an image of its own."""
    for field in IMAGE_FIELDS:
        value = entry.get(field)
        if isinstance(value, str | int) and value != "":
            return str(value)
    return f"entry {position}"
