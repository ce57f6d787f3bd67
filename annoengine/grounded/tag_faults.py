"""What can be wrong with a tag of a grounded caption: kinds, places, and a sentence for each.

A fault is *mended* where a rule leaves one reading only; every other is for asking again, or for
the list of what a person must look at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MENDED = {
    "spaces": "The tag {words} has a space too many or too few.",
    "id_form": "The tag {words} does not name its ids as numbers with commas between.",
    "range": "The tag {words} names its ids as a range.",
    "repeated_id": "The tag {words} names an id twice.",
    "no_colon": "The tag {words} has no colon between its ids and its phrase.",
    "early_close": "The tag {words} is closed before its phrase ends.",
    "nested": "The tag {words} has another tag in it.",
    "doubled_bracket": "The tag {words} has a bracket twice.",
    "other_brackets": "The tag {words} does not stand in < and >.",
    "entities": "The tag {words} is written with HTML entities.",
    "wide_characters": "The tag {words} is written with fullwidth characters.",
    "line_break": "The tag {words} has a line break in it.",
    "markup": "The text has markup in it: {words}.",
}
"""Kinds that a rule mends, each with its sentence."""

UNMENDED = {
    "nested": "The tag {words} begins with another tag and has no phrase of its own.",
    "no_colon": "The tag {words} has no colon, so that its ids cannot be told from its phrase.",
    "range": "The tag {words} names a range of ids that is none.",
    "unclosed": "The tag {words} is never closed.",
    "empty_phrase": "The tag {words} has no phrase.",
    "bare_id": "The tag {words} has ids and no phrase.",
    "no_id": "The tag {words} has no id.",
    "huge_id": "The tag {words} has an id that no segment can have.",
    "stray_bracket": "The text has a bracket that belongs to no tag: {words}.",
    "glued_number": "The tag {words} has a number stuck to the first word of its phrase.",
}
"""Kinds that leave the reading open, each with its sentence."""

LONGEST_QUOTE = 80


@dataclass(frozen=True)
class TagFault:
    """One thing wrong with a tag.

    ``start`` is the place in the text that was read, in characters, and ``words`` what stands
    there, cut to 80 characters; ``span`` the position of its span in ``Tagged.spans``, or None
    where the tag could not be used.
    """

    kind: str
    start: int
    words: str
    mended: bool
    ids: tuple[int, ...] = ()
    span: int | None = field(default=None, compare=False)

    @property
    def detail(self) -> str:
        """A sentence that can be quoted to a model or a person.

        >>> TagFault("bare_id", 4, "<3>", False).detail
        'The tag “<3>” has ids and no phrase.'
        """
        sentences = MENDED if self.mended else UNMENDED
        return sentences[self.kind].format(words=f"“{self.words}”")


def quote(words: str) -> str:
    """Words on one line, cut to 80 characters.

    >>> quote("<3:\\n a dog>")
    '<3: a dog>'
    """
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"
