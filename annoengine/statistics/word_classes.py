"""Counts the parts of speech and the attributes of parsed captions.

Parts of speech are the universal ones that spaCy gives. Pix2Cap-COCO (Table 1) counts nouns,
adjectives, adverbs and verbs and does not say with what; here nouns are NOUN and PROPN, verbs are
VERB without any form of "be" and without other auxiliaries (AUX), which are counted apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from annoengine.language.parsed import Parsed, Token
from annoengine.statistics.class_names import ClassNames, NounKind

POINTING = frozenset(
    "other another same such own many much few several more most less least only certain various "
    "different similar further additional entire whole next last first second third fourth visible "
    "left right".split()
)
"""Adjectives that say which, how many or where, and nothing of the looks: they are no attributes.
Ours."""

_NOUNS = ("NOUN", "PROPN")


@dataclass
class WordClasses:
    """How often each part of speech came in some captions, and with which words.

    Forms are as written, in lower case: those of nouns with what ``ClassNames`` says of them,
    those of verbs with the basic form. ``attributes`` is how many captions had so many.
    """

    nouns: int = 0
    adjectives: int = 0
    adverbs: int = 0
    verbs: int = 0
    auxiliaries: int = 0
    attributes: Counter[int] = field(default_factory=Counter)
    noun_forms: Counter[tuple[str, NounKind]] = field(default_factory=Counter)
    adjective_forms: Counter[str] = field(default_factory=Counter)
    verb_forms: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, parsed: Parsed, classes: ClassNames) -> None:
        """Counts a caption in."""
        words = [token.lower for token in parsed.tokens]
        attributes = 0
        for token in parsed.tokens:
            pos = token.pos
            if not token.lower[:1].isalpha():
                # "%" and "2D" pass for nouns, a stray apostrophe for a verb.
                continue
            attributes += is_attribute(token)
            if pos in _NOUNS:
                self.nouns += 1
                self.noun_forms[token.lower, classes.kind_of(words, token.i)] += 1
            elif pos == "ADJ":
                self.adjectives += 1
                self.adjective_forms[token.lower] += 1
            elif pos == "AUX" or token.lemma == "be":
                self.auxiliaries += 1
            elif pos == "VERB":
                self.verbs += 1
                self.verb_forms[token.lower, token.lemma.lower()] += 1
            elif pos == "ADV":
                self.adverbs += 1
        self.attributes[attributes] += 1

    def merge(self, other: WordClasses) -> None:
        """Counts in what another has counted."""
        self.nouns += other.nouns
        self.adjectives += other.adjectives
        self.adverbs += other.adverbs
        self.verbs += other.verbs
        self.auxiliaries += other.auxiliaries
        self.attributes.update(other.attributes)
        self.noun_forms.update(other.noun_forms)
        self.adjective_forms.update(other.adjective_forms)
        self.verb_forms.update(other.verb_forms)


def is_attribute(token: Token) -> bool:
    """Is a word an attribute: an adjective that describes, or a participle before its noun?

    Pix2Cap-COCO (section 3.2, Fig. 3 B) counts "descriptive words, e.g., color, size, or shape"
    and says no more; this reading of it is ours. So "a small striped cup, half full" has three.
    """
    if token.pos == "ADJ":
        return token.lower not in POINTING
    return token.pos == "VERB" and token.dep == "amod"
