"""Makes verbs agree with a subject that was put in, and takes "This is" off a plain noun phrase.

The only part of the rules that needs a parse: of the text as the other rules left it.
"""

from __future__ import annotations

from annoengine.baseline.english import conjugate
from annoengine.language.parsed import Parsed, Token
from annoengine.rewriting.draft import Edit

_PAST = {"was": "were", "were": "was"}


def agree(parsed: Parsed, start: int, end: int, plural: bool) -> list[Edit]:
    """The changes to the verbs whose subject is ``text[start:end]``."""
    inside = [token for token in parsed.tokens if start <= token.start and token.end <= end]
    for token in inside:
        head = parsed.tokens[token.head]
        if token.dep not in ("nsubj", "nsubjpass") or start <= head.start < end:
            continue
        if any(not start <= child.start < end for child in parsed.children(token.i, "conj")):
            return []
        verbs = [head, *(verb for verb in parsed.children(head.i, "conj") if _shares(parsed, verb))]
        return [edit for verb in verbs for edit in _agreeing(parsed, verb, plural)]
    return []


def trim_opening(parsed: Parsed, start: int = 0) -> list[Edit]:
    """ "This is a cup on a table." begins with "a cup", where nothing else hangs on the verb.

    ``start`` is where the "This" stands.
    """
    this = next((token for token in parsed.tokens if token.start == start), None)
    if this is None or this.lower not in ("this", "these") or this.i + 2 >= len(parsed.tokens):
        return []
    verb = parsed.tokens[this.i + 1]
    if verb.lower not in ("is", "are") or this.head != verb.i or verb.head != verb.i:
        return []
    if any(child.dep not in ("nsubj", "attr", "punct") for child in parsed.children(verb.i)):
        return []
    for attr in parsed.children(verb.i, "attr"):
        below = parsed.subtree(attr.i)
        if any(t.tag in ("VBZ", "VBP", "VBD") and t.dep == "conj" for t in below):
            return []
        first = below[0]
        if first.i == verb.i + 1 and first.text not in ("the", "The"):
            letter = first.text[0]
            large = this.text[0].isupper()
            return [Edit(start, first.start + 1, letter.upper() if large else letter)]
    return []


def _shares(parsed: Parsed, verb: Token) -> bool:
    """Has a second verb no subject of its own?"""
    return not parsed.children(verb.i, "nsubj", "nsubjpass", "expl")


def _agreeing(parsed: Parsed, verb: Token, plural: bool) -> list[Edit]:
    """The change to the finite word of a verb, which is its first auxiliary where it has one."""
    helpers = parsed.children(verb.i, "aux", "auxpass")
    word = helpers[0] if helpers else verb
    if word.lower in _PAST:
        new = "were" if plural else "was"
    elif word.tag in ("VBZ", "VBP"):
        lemma = {"'s": "be", "’s": "be"}.get(word.lower, word.lemma)
        new = conjugate(f"[{lemma}]", plural)
    else:
        return []
    if new == word.lower:
        return []
    return [Edit(word.start, word.end, new if word.text[0] not in "'’" else f" {new}")]
