"""Finds which noun the colour words of a caption tell of, and whether of all of it.

A chain of colour words stands before its noun, behind it, or is a noun itself ("in red"); each form
asks the grammar in its own way. Where it gives no noun the words are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

from annoengine.claims import colour_terms as terms
from annoengine.claims import mention_words as nouns
from annoengine.claims.colour_kinds import is_kind_name
from annoengine.claims.colour_terms import is_colour_word
from annoengine.claims.mention_grammar import subject_of
from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Chunk, Parsed

LOOKS_OF = frozenset("colour color hue shade tone tint coloration colouration coloring".split())
_TOUCH = frozenset(
    "hint touch trace bit splash mix mixture blend combination accent pattern".split()
)
_DYED = frozenset(
    "colored coloured painted toned tinted hued dyed stained clad dressed tipped coated".split()
)
COLOURING = frozenset({"paint", "colour", "color", "dye", "tint", "stain", "varnish", "lacquer"})
_MARKED = frozenset(
    "striped spotted patterned checkered checked speckled dotted mottled streaked trimmed flecked "
    "accented plaid tabby".split()
)
_PICTURES = frozenset("image photo photograph picture shot lighting light sunlight filter".split())
_PREDICATES = ("acomp", "attr", "oprd", "conj", "advcl", "amod", "ccomp", "appos", "acl", "xcomp")


@dataclass(frozen=True)
class ColourPhrase:
    """Colours that a caption gives to a noun: tokens ``first`` up to ``past``, about ``root``.

    ``scope``: what of the noun is said to be so: "whole"; "some" (it has the colour somewhere:
    "with touches of red", "red-striped"); "part" (a part that the phrase names itself:
    "red-haired", "a woman in red"). ``kind_name``: the phrase is rather the name of
    a kind ("red onion").
    """

    first: int
    past: int
    colours: tuple[terms.Term, ...]
    root: int
    scope: str
    kind_name: bool = False
    part: str = ""


def placed(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...]
) -> ColourPhrase | None:
    tokens = parsed.tokens
    chunk = parsed.chunk_of(past - 1)
    bound = _bound_to_word(parsed, first, past, colours)
    if bound is not None:
        return bound
    if chunk is not None and chunk.root >= past:
        return _attributive(parsed, first, past, colours, chunk)
    after = tokens[past] if past < len(tokens) else None
    last = tokens[past - 1]
    bare = chunk is None or chunk.root < past
    if first and tokens[first - 1].lower == "in" and bare and last.head < past:
        return _dressed(parsed, first, past, colours, tokens[first - 1].head)
    if chunk is not None and first <= chunk.root < past:
        return _bare(parsed, first, past, colours, chunk.root)
    if last.dep == "pobj" or (last.dep == "conj" and tokens[last.head].dep == "pobj"):
        return _bare(parsed, first, past, colours, past - 1)
    if tokens[last.head].lemma in ("wear", "sport") and last.dep in ("advmod", "acomp", "oprd"):
        wearer = subject_of(parsed, last.head)
        if wearer is not None:
            return ColourPhrase(first, past, colours, wearer, "part", part="clothes")
    if last.dep in ("advmod", "acomp", "oprd", "dobj") and tokens[last.head].lemma in COLOURING:
        return _coloured(parsed, first, past, colours, last.head)
    # "Light-blue jeans" may lie outside of any base noun phrase.
    noun = tokens[last.head].pos in ("NOUN", "PROPN")
    if after is not None and last.dep in ("amod", "compound") and last.head >= past and noun:
        return ColourPhrase(first, past, colours, last.head, "whole")
    root = _said_of(parsed, first, past)
    return None if root is None else ColourPhrase(first, past, colours, root, "whole")


def _bound_to_word(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...]
) -> ColourPhrase | None:
    """*Red-haired*, *red-tiled*, *red-painted*: the word behind tells what is red."""
    tokens = parsed.tokens
    at = past + 1 if past < len(tokens) and tokens[past].lower == "-" else past
    if at >= len(tokens):
        return None
    word = tokens[at].lower
    hyphen = at > past
    if not (word in _DYED or word in _MARKED or (hyphen and word.endswith("ed"))):
        return None
    root = _modified(parsed, at)
    if root is None:
        return None
    if word in _DYED:
        return ColourPhrase(first, at + 1, colours, root, "whole")
    if word in _MARKED:
        return ColourPhrase(first, at + 1, colours, root, "some")
    return ColourPhrase(first, at + 1, colours, root, "part", part=singular(_stem(word)))


def _stem(word: str) -> str:
    stem = word[:-2]
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem


def _modified(parsed: Parsed, at: int) -> int | None:
    """The noun that a participle before it, or a predicate, belongs to."""
    chunk = parsed.chunk_of(at)
    if chunk is not None and chunk.root > at:
        return chunk.root
    return _said_of(parsed, at, at + 1)


def _attributive(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...], chunk: Chunk
) -> ColourPhrase | None:
    tokens = parsed.tokens
    head = singular(tokens[chunk.root].lower)
    if head in LOOKS_OF or head in _TOUCH:
        return _of_look(parsed, first, past, colours, chunk.root)
    # A noun of its own between colour and head: "red wine glass", "white brick wall".
    own = tokens[past].lower if past < chunk.root else ""
    kind = any(is_kind_name(tokens[i].lower, own or head) for i in range(first, past))
    kind = kind or any(is_kind_name(tokens[i].lower, head) for i in range(first, past))
    if head in _PICTURES:
        return None
    # Of a list in one phrase, the colour belongs to the word that it stands before.
    place = tokens[past - 1].head
    root = place if past <= place < chunk.root and tokens[place].dep == "poss" else chunk.root
    scope = "some" if any(tokens[i].lower in _MARKED for i in range(past, chunk.root)) else "whole"
    if singular(tokens[chunk.root].lower) in ("stripe", "spot", "mark", "marking", "patch", "dot"):
        scope = "whole"
    return ColourPhrase(first, past, colours, root, scope, kind)


def _of_look(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...], look: int
) -> ColourPhrase | None:
    """*A reddish-brown color*, *a vibrant shade of green*: of what has it."""
    owner = _owner_of_look(parsed, look)
    scope = "some" if singular(parsed.tokens[look].lower) in _TOUCH else "whole"
    return None if owner is None else ColourPhrase(first, past, colours, owner, scope)


def _owner_of_look(parsed: Parsed, look: int) -> int | None:
    token = parsed.tokens[look]
    for prep in parsed.children(look, "prep"):
        inner = parsed.children(prep.i, "pobj")
        if prep.lower in ("of", "on", "in") and inner and not is_colour_word(inner[0].lower):
            return inner[0].i
    whose = parsed.children(look, "poss")
    if whose:
        return whose[0].i
    head = parsed.tokens[token.head]
    if token.dep == "pobj":
        above = parsed.tokens[head.head]
        if above.pos in ("NOUN", "PROPN", "PRON"):
            return above.i
        return subject_of(parsed, above.i)
    if token.dep in ("attr", "dobj", "oprd"):
        return subject_of(parsed, head.i)
    return None


def _bare(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...], root: int
) -> ColourPhrase | None:
    """A colour that is a noun of its own: "in red", "a shade of blue", "is a deep green"."""
    tokens = parsed.tokens
    token = tokens[root]
    seen = 0
    while token.dep == "conj" and seen < 4 and is_colour_word(tokens[token.head].lower):
        token, seen = tokens[token.head], seen + 1
    head = tokens[token.head]
    if token.dep == "pobj" and head.lower == "of":
        noun = singular(tokens[head.head].lower)
        if noun in LOOKS_OF or noun in _TOUCH:
            return _of_look(parsed, first, past, colours, head.head)
        if noun in nouns.QUANTITY | nouns.SHARE | nouns.VIEW or tokens[head.head].pos != "NOUN":
            return None
        # "A sky of pale green".
        return ColourPhrase(first, past, colours, head.head, "whole")
    if token.dep == "pobj" and head.lower == "in":
        return _dressed(parsed, first, past, colours, head.head)
    if token.dep == "pobj":
        return None
    if token.dep in ("dobj", "oprd") and head.lemma in COLOURING:
        return _coloured(parsed, first, past, colours, head.i)
    if token.dep == "dobj":
        subject = subject_of(parsed, head.i)
        if subject is None:
            return None
        return ColourPhrase(first, past, colours, subject, "part", part="clothes")
    said = _said_of(parsed, first, past)
    return None if said is None else ColourPhrase(first, past, colours, said, "whole")


def _coloured(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...], verb: int
) -> ColourPhrase | None:
    """*Painted pink*, *glows red*: of what is painted, or glows."""
    owner = subject_of(parsed, verb)
    if owner is None or first <= owner < past:
        return None
    return ColourPhrase(first, past, colours, owner, "whole")


def _dressed(
    parsed: Parsed, first: int, past: int, colours: tuple[terms.Term, ...], above: int
) -> ColourPhrase | None:
    """*A woman in red*, *dressed in red*, *painted in red*."""
    token = parsed.tokens[above]
    if token.pos in ("NOUN", "PROPN", "PRON"):
        return ColourPhrase(first, past, colours, above, "part", part="clothes")
    subject = subject_of(parsed, above)
    if subject is None:
        return None
    scope = "part" if token.lemma in ("dress", "clothe", "clad", "be") else "whole"
    return ColourPhrase(first, past, colours, subject, scope, part="clothes")


def _said_of(parsed: Parsed, first: int, past: int) -> int | None:
    """The noun that a predicate, or an adjective behind its noun, tells of."""
    tokens = parsed.tokens
    at, steps = past - 1, 0
    while (first <= at < past or tokens[at].pos == "ADJ") and steps < 12:
        token = tokens[at]
        if token.head == at or token.dep not in _PREDICATES:
            break
        if token.dep == "conj" and tokens[token.head].pos in ("NOUN", "PROPN"):
            return None
        at, steps = token.head, steps + 1
    if first <= at < past:
        if tokens[at].dep not in ("ROOT", *_PREDICATES):
            return None
        subject = subject_of(parsed, at)
        return subject if subject is not None and not first <= subject < past else None
    if tokens[at].pos in ("NOUN", "PROPN", "PRON") and tokens[at].dep != "ROOT":
        return at if at < first else None
    subject = subject_of(parsed, at)
    if subject is None or first <= subject < past:
        return None
    return subject
