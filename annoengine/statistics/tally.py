"""The sums over some captions from which all measures are computed; two of them merge into one.

Everything in here is a whole number, so that a tally does not depend on the order of the captions
nor on how they were cut into pieces. It grows with the number of different words, not with that
of the captions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from annoengine.statistics.word_classes import WordClasses
from annoengine.statistics.words import sentences_of, words_of


@dataclass
class Tally:
    """Captions of one level of one dataset; ``classes`` is None where they were not parsed.

    ``lengths`` is how many captions have so many words.
    """

    captions: int = 0
    characters: int = 0
    words: int = 0
    sentences: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    word_forms: Counter[str] = field(default_factory=Counter)
    classes: WordClasses | None = None

    def add(self, text: str) -> None:
        """Counts a caption in, but for its parts of speech."""
        words = words_of(text)
        self.captions += 1
        self.characters += len(text)
        self.words += len(words)
        self.sentences += sentences_of(text)
        self.lengths[len(words)] += 1
        self.word_forms.update([word.lower() for word in words])

    def merge(self, other: Tally) -> None:
        """Counts in what another has counted."""
        self.captions += other.captions
        self.characters += other.characters
        self.words += other.words
        self.sentences += other.sentences
        self.lengths.update(other.lengths)
        self.word_forms.update(other.word_forms)
        if other.classes is not None:
            if self.classes is None:
                self.classes = WordClasses()
            self.classes.merge(other.classes)
