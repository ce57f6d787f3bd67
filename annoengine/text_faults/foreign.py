"""How much of a caption is in another language than English."""

from __future__ import annotations

import unicodedata

from annoengine.description_faults import is_foreign
from annoengine.text_faults.sentences import sentences_in, without_quotes, words_in


def foreign_share(text: str) -> float:
    """0 English, 1 all of it foreign.

    The larger of two shares: of its letters that are not Latin ones, and of its words that stand
    in a sentence in another language. Words in quotation marks do not count: a sign may say what
    it likes.

    >>> foreign_share("A man in a café."), foreign_share("Der Hund liegt auf dem Sofa.")
    (0.0, 1.0)
    >>> foreign_share("A dog lies on the sofa. Der Hund ist auf dem Sofa.")
    0.5
    """
    spoken = without_quotes(text)
    said = sentences_in(spoken)
    foreign = sum(len(words_in(one)) for one in said if is_foreign(one))
    if not foreign and len(said) > 1 and is_foreign(spoken):
        return 1.0
    share = foreign / len(words_in(spoken)) if foreign else 0.0
    if not spoken.isascii():
        letters = [character for character in spoken if character.isalpha()]
        strange = sum("LATIN" not in unicodedata.name(letter, "") for letter in letters)
        share = max(share, strange / len(letters) if letters else 0.0)
    return round(share, 4)
