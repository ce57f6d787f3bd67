"""Finds what a caption says of colours: which words, of which noun, joined how.

Colour words are gathered as they stand in the text ("red-and-white striped", "dark brown"), for
parsers disagree on how such chains hang together; only what a chain belongs to is asked of the
grammar. What is denied, guessed at or compared is no statement, and neither is a colour word that
names something else (an orange, Mr Brown, a gold medal).
"""

from __future__ import annotations

from annoengine.claims import colour_terms as terms
from annoengine.claims import mention_words as nouns
from annoengine.claims.colour_kinds import is_no_colour
from annoengine.claims.colour_strength import strengthened
from annoengine.claims.colour_subjects import COLOURING, LOOKS_OF, ColourPhrase, placed
from annoengine.claims.colour_terms import is_colour_word
from annoengine.claims.mention_grammar import subject_of
from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Chunk, Parsed, Token

_JOINERS = frozenset({"and", ",", "&", "/", "with"})
_DENIALS = frozenset(
    {"not", "n't", "no", "never", "without", "neither", "nor", "non", "hardly", "lacks"}
)
_GUESSES = frozenset(
    "or either possibly perhaps maybe likely probably presumably might may could would should "
    "almost nearly if unless supposedly apparently".split()
)
_BEGINNING = terms.LOOKS | terms.LIGHTER | terms.DARKER | {"off", *terms.BOUNDS, *terms.ISH}
_TAKING = COLOURING | {"wear", "sport"}
_COMPARED = frozenset({"than", "less", "as", "like", "more", "resembling"})


def colour_phrases(parsed: Parsed) -> tuple[ColourPhrase, ...]:
    """What a caption says of colours, in order."""
    found = []
    for first, past, colours in _chains(parsed):
        if _denied(parsed, first, past):
            continue
        phrase = placed(parsed, first, past, colours)
        if phrase is not None:
            found.append(phrase)
    return tuple(found)


# ---- gathering words ------------------------------------------------------------------------


def _chains(parsed: Parsed) -> list[tuple[int, int, tuple[terms.Term, ...]]]:
    """Runs of colour words: first token, the one past the last, and each colour of them."""
    found, at = [], 0
    count = len(parsed.tokens)
    while at < count:
        one = _one_colour(parsed, at) if parsed.tokens[at].lower in _BEGINNING else None
        if one is None:
            at += 1
            continue
        first, (past, term) = at, one
        colours = [term]
        while (following := _joined(parsed, past)) is not None and following < count:
            more = _one_colour(parsed, following)
            if more is None:
                break
            past = more[0]
            colours.append(more[1])
        found.append((first, past, tuple(colours)))
        at = past
    return found


def _joined(parsed: Parsed, at: int) -> int | None:
    """Where the next colour of a chain would begin: past "and", ", and", "-and-"."""
    tokens, begin = parsed.tokens, at
    while at < len(tokens) and at - begin < 3 and tokens[at].lower in (*_JOINERS, "-"):
        at += 1
    joiners = [token.lower for token in tokens[begin:at]]
    # "White with red stripes" is a statement of its own, and "red-blue" one mixed colour.
    if not joiners or joiners == ["-"] or "with" in joiners:
        return None
    return at


def _one_colour(parsed: Parsed, at: int) -> tuple[int, terms.Term] | None:
    """The colour that begins at a token, and the token past it; None where none begins."""
    tokens, words, colour_seen, begin = parsed.tokens, list[str](), 0, at
    end = at
    while at < len(tokens):
        word = tokens[at].lower
        if word == "-" and words and at + 1 < len(tokens) and is_colour_word(tokens[at + 1].lower):
            at += 1
            continue
        if _is_colour(parsed, at) and not (colour_seen and not _mixes(parsed, at)):
            words.append(word)
            colour_seen += 1
            at += 1
            end = at
            continue
        modifies = (
            word in terms.LOOKS or word in terms.LIGHTER or word in terms.DARKER or word == "off"
        )
        if colour_seen == 0 and modifies:
            words.append(word)
            at += 1
            continue
        break
    said = " ".join(words[: len(words)])
    if not colour_seen:
        return None
    kept = [w for w in words if w not in terms.LOOKS]
    term = terms.term_of(kept)
    if term is None or begin == end:
        return None
    named = terms.Term(" ".join(kept) or said, term.core, term.wide)
    return end, strengthened(named, words)


def _mixes(parsed: Parsed, at: int) -> bool:
    """Does a colour word go on with the one before: "reddish brown", "blue-green", "dark red"?"""
    before = parsed.tokens[at - 1].lower
    if before != "-" and parsed.tokens[at].lower in terms.NEVER_ALONE:
        return parsed.tokens[at].pos == "ADJ"
    return (
        before == "-"
        or before in terms.ISH
        or before in ("dark", "pale", "gold", "golden")
        or (is_colour_word(before) and parsed.tokens[at].lower in terms.BOUNDS)
    )


def _is_colour(parsed: Parsed, at: int) -> bool:
    """Is a word the name of a colour where it stands?"""
    token = parsed.tokens[at]
    word = token.lower
    if word in terms.ISH:
        return True
    if word not in terms.BOUNDS or is_no_colour(parsed, at):
        return False
    if token.tag in ("JJR", "JJS", "NNS", "NNPS", "RBR") or token.pos == "VERB":
        return False
    if token.pos == "ADV" and parsed.tokens[token.head].lemma not in COLOURING:
        return False
    if token.tag == "NNP" and token.text[0].isupper() and at and parsed.tokens[at - 1].text != ".":
        first = parsed.tokens[at - 1].sentence != token.sentence
        if not first:
            return False
    if word in ("dark", "pale"):
        return _tells_lightness(parsed, at)
    if word in terms.NEVER_ALONE and not _surely_colour(parsed, at):
        return False
    chunk = parsed.chunk_of(at)
    if chunk is not None and chunk.root == at:
        return _is_bare_colour(parsed, token, chunk)
    return True


def _tells_lightness(parsed: Parsed, at: int) -> bool:
    """*Dark hair* and *is dark* tell a lightness; a dark scene or corner does not."""
    token = parsed.tokens[at]
    following = parsed.tokens[at + 1].lower if at + 1 < len(parsed.tokens) else ""
    if is_colour_word(following) or following == "-":
        return True
    if token.dep in ("acomp", "conj"):
        return True
    head = singular(parsed.tokens[token.head].lower)
    return token.dep == "amod" and head not in nouns.VIEW


def _surely_colour(parsed: Parsed, at: int) -> bool:
    token = parsed.tokens[at]
    around = [
        parsed.tokens[i].lower
        for i in (at - 2, at - 1, at + 1, at + 2)
        if 0 <= i < len(parsed.tokens)
    ]
    if token.dep in ("acomp", "oprd", "attr") or any(
        (is_colour_word(word) and word not in terms.NEVER_ALONE)
        or word in LOOKS_OF
        or word in ("colored", "coloured", "-")
        for word in around
    ):
        return True
    if token.dep in ("amod", "compound"):
        head = singular(parsed.tokens[token.head].lower)
        return head in nouns.BODY or head in nouns.WORN
    before = parsed.tokens[token.head].lower
    return token.dep == "conj" and is_colour_word(before) and before not in terms.NEVER_ALONE


def _is_bare_colour(parsed: Parsed, token: Token, chunk: Chunk) -> bool:
    """Is a colour word that is a noun phrase of its own a colour ("in red", "is a deep green")?"""
    governor = parsed.tokens[token.head]
    counted = any(child.dep in ("nummod", "poss") for child in parsed.children(token.i))
    if counted:
        return False
    if token.dep in ("attr", "oprd", "acomp"):
        subject = subject_of(parsed, governor.i)
        article = any(child.lower in ("a", "an") for child in parsed.children(token.i, "det"))
        named = subject is not None and parsed.tokens[subject].pos in ("NOUN", "PROPN", "PRON")
        return named and (not article or chunk.past - chunk.first > 2)
    if token.dep == "pobj":
        return governor.lower in ("in", "of") and not parsed.children(token.i, "det")
    if token.dep == "conj":
        return is_colour_word(governor.lower) or governor.pos == "ADJ"
    if token.dep == "dobj":
        return governor.lemma in _TAKING and not parsed.children(token.i, "det")
    return token.dep in ("ROOT", "amod", "compound", "appos", "nmod", "npadvmod", "dep")


# ---- what is no statement -------------------------------------------------------------------


def _denied(parsed: Parsed, first: int, past: int) -> bool:
    """Is a colour denied, guessed at or compared within its clause?"""
    at = first - 1
    steps = 0
    while at >= 0 and parsed.tokens[at].text not in (".", ";", ":") and steps < 7:
        word = parsed.tokens[at].lower
        if word in _DENIALS or word in _GUESSES:
            return True
        if parsed.tokens[at].text == ",":
            # "Not white, red": what stands behind the comma is said.
            break
        if (
            parsed.tokens[at].pos in ("NOUN", "PROPN")
            and steps
            and not _same_clause(parsed, at, first)
        ):
            break
        at -= 1
        steps += 1
    before = parsed.tokens[first - 1].lower if first else ""
    if before in _COMPARED:
        return True
    following = parsed.tokens[past].lower if past < len(parsed.tokens) else ""
    return following in ("or", "than")


def _same_clause(parsed: Parsed, i: int, j: int) -> bool:
    """Do two words stand in one base noun phrase, or hang on one verb?"""
    chunk = parsed.chunk_of(i)
    if chunk is not None and chunk.first <= j < chunk.past:
        return True
    return parsed.tokens[i].dep in ("nsubj", "nsubjpass") and parsed.tokens[i].head in (
        parsed.tokens[j].head,
        j,
    )
