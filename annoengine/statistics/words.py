"""Cuts captions into words and sentences, as they are counted here.

Words are the tokens of NLTK's Treebank tokenizer that hold a letter or a digit. It needs no data
and no model, so that a count is the same with and without a parser, and its rules are those of
the tokenizers that caption metrics use. So "man's" is two words and "half-sliced" one, and
punctuation is none. The papers do not say what they count; that it is words without punctuation
is what their characters per word suggest (Pix2Cap-COCO, Table 1: 138.13 / 22.94 = 6.0).
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable

from annoengine.errors import SettingError

WORDS_BY = "NLTK TreebankWordTokenizer, tokens with a letter or a digit"
"""How words are cut, for reports."""

_HAS_WORD = re.compile(r"[^\W_]")
_END = re.compile(
    r"(?P<mark>[.!?…]+)(?:[\"'”’)\]*]*)(?:\s+|$)"
    r"|(?<=[a-z])[.!?](?=[A-Z][a-z])"
    r"|\s*\n\s*"
)
_ABBREVIATED = re.compile(r"\b(?:mr|mrs|ms|dr|st|vs|e\.g|i\.e|approx|ca|[A-Z])$", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"\W*\d{1,3}[.)]?\W*")

FUNCTION_WORDS = frozenset(
    "a an the this that these those and or but nor so yet if while as than then there here not "
    "no nor of in on at by to from with without for into onto over under above below near behind "
    "beside between through across along around against toward towards upon about off out up down "
    "is are was were be been being am has have had having do does did can could may might must "
    "will would shall should it its he his him she her hers they their them theirs we our us you "
    "your i my me which who whom whose what where when how why both each all some any many few "
    "several other another such one also very just only more most own same too 's n't 're 've 'll "
    "'d".split()
)
"""Words that only join others. They are left out where the most common words are drawn."""


def check_tokenizer() -> None:
    """Raises SettingError where NLTK is missing."""
    if importlib.util.find_spec("nltk") is None:
        raise SettingError(
            "words are counted with NLTK, which is not installed: pip install 'annoengine[text]'"
        )


@functools.cache
def _tokenizer() -> Callable[[str], list[str]]:
    check_tokenizer()
    module = importlib.import_module("nltk.tokenize.treebank")
    cut: Callable[[str], list[str]] = module.TreebankWordTokenizer().tokenize
    return cut


def words_of(text: str) -> list[str]:
    """The words of a caption, as they are written. Raises SettingError where NLTK is missing.

    >>> words_of("The man's half-sliced orange, 4.5 cm wide.")
    ['The', 'man', "'s", 'half-sliced', 'orange', '4.5', 'cm', 'wide']
    >>> words_of("It’s red. Isn't it?")
    ['It', "'s", 'red', 'Is', "n't", 'it']
    """
    # The tokenizer is made for single sentences: it leaves a full stop within a text at its word.
    return [
        word[:-1] if word.endswith(".") and "." not in word[:-1] else word
        for word in _tokenizer()(text.replace("’", "'"))
        if _HAS_WORD.search(word)
    ]


def sentences_of(text: str) -> int:
    """How many sentences a caption has: stretches with a word that ``. ! ?`` or a line ends.

    No sentence ends behind an abbreviation, within a number, or before a small letter; the number
    of a list's entry is none of its own.

    >>> sentences_of("A car, e.g. a taxi. It is 4.5 m long! Made by A. Smith"), sentences_of("…")
    (3, 0)
    >>> sentences_of("1. A red car\\n2. A dog")
    2
    """
    count, start = 0, 0
    for end in _END.finditer(text):
        if end["mark"] is not None and not _ends(text, end):
            continue
        count += _is_sentence(text[start : end.end()])
        start = end.end()
    return count + _is_sentence(text[start:])


def _ends(text: str, end: re.Match[str]) -> bool:
    following = text[end.end() : end.end() + 1]
    if following.islower():
        return False
    if end["mark"] != "." or not following:
        return True
    return _ABBREVIATED.search(text, max(0, end.start() - 8), end.start()) is None


def _is_sentence(piece: str) -> bool:
    return _HAS_WORD.search(piece) is not None and _LIST_NUMBER.fullmatch(piece) is None
