"""Whether two letters that stand side by side belong to one word.

In most scripts they do: a phrase may not begin or end between them. Chinese, Japanese, Thai, Lao,
Khmer, Burmese and Tibetan are written without spaces between words, so that a phrase may end
wherever no letter is parted from its own signs.
"""

from __future__ import annotations

import re
import unicodedata

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u1a20-\u1aaf"
    "\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
"""Letters of scripts without spaces between words. Source: the Unicode blocks of those scripts;
Unicode Standard Annex 29, section 4, names them as those that need a dictionary or no rule."""


def within_word(before: str, after: str) -> bool:
    """Would a phrase that ends between these two letters part a word?

    >>> within_word("o", "g"), within_word("g", " "), within_word("狗", "在"), within_word("ก", "ำ")
    (True, False, False, False)
    """
    if not before or not after:
        return False
    if unicodedata.category(after).startswith("M"):
        # A vowel sign or an accent is part of the letter before it.
        return before.isalnum() or unicodedata.category(before).startswith("M")
    if not (before.isalnum() and after.isalnum()):
        return False
    return _UNSPACED.match(before) is None and _UNSPACED.match(after) is None


def needs_space(before: str, after: str) -> bool:
    """Would two words run into each other if these letters stood side by side?"""
    return (
        before.isalnum()
        and after.isalnum()
        and _UNSPACED.match(before) is None
        and _UNSPACED.match(after) is None
    )
