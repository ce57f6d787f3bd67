"""Which word of a rewrite may stand for which word of the caption; WordNet is optional."""

from __future__ import annotations

from annoengine.language.wordnet import WordClass, WordNet
from annoengine.rewriting.faithful_lexicon import Kind
from annoengine.rewriting.faithful_words import Unit

_CLASSES: dict[Kind, WordClass] = {
    "noun": "noun",
    "adjective": "adj",
    "verb": "verb",
    "adverb": "adv",
}
_APART: frozenset[Kind] = frozenset({"number", "position", "relation", "negation", "hedge"})
"""Kinds whose forms are looked for among their own kind alone."""


class Likeness:
    """Which unit of a rewrite may stand for which of the caption; WordNet is optional."""

    def __init__(self, wordnet: WordNet | None = None) -> None:
        self._wordnet = wordnet

    def same(self, one: Unit, other: Unit) -> bool:
        """Are they one word, in whatever form, or synonyms?"""
        if one.kind in _APART or other.kind in _APART:
            return one.kind == other.kind and not one.forms.isdisjoint(other.forms)
        if not one.forms.isdisjoint(other.forms):
            return True
        word_class = _CLASSES.get(one.kind)
        if self._wordnet is None or word_class is None or one.kind != other.kind:
            return False
        return self._wordnet.are_synonyms(one.lemma, other.lemma, word_class)

    def stands_for(self, old: Unit, new: Unit) -> bool:
        """May ``new`` stand where ``old`` was: the same, or the next wider noun ("dog")?"""
        if self.same(old, new):
            return True
        if self._wordnet is None or old.kind != "noun" or new.kind != "noun":
            return False
        return self._wordnet.is_kind_of(old.lemma, new.lemma)
