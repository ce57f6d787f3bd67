"""The measures of captions: each a function that says what it measures and whose it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from annoengine.statistics.class_names import NOUN_KINDS, NounKind, singular
from annoengine.statistics.counting import CaptionSet
from annoengine.statistics.word_classes import WordClasses

Value = float | None
"""None: the dataset does not say, or was not parsed."""


def images(one: CaptionSet) -> Value:
    """Different images with a caption. Source: Pix2Cap-COCO, Table 1, "Images"."""
    return one.images


def captions(one: CaptionSet) -> Value:
    """Captions that are not empty. Source: Pix2Cap-COCO, Table 1, "Captions"."""
    return one.tally.captions


def captions_per_image(one: CaptionSet) -> Value:
    """Captions by images with a caption. Source: Pix2Cap-COCO, Table 1, "Cap/Img"."""
    return _ratio(one.tally.captions, one.images)


def samples(one: CaptionSet) -> Value:
    """Annotated units with a caption: records, annotations of images, entries of a list.

    Source: COCONut-PanCap, Table 1: "the number of collected annotations, where there may exist
    one image with multiple different annotation".
    """
    return one.samples


def characters(one: CaptionSet) -> Value:
    """Characters per caption, spaces and punctuation included, none at the ends.

    Source: Pix2Cap-COCO, Table 1, "Characters"; that spaces count is ours, by its 25.51
    characters for 5.09 words in Visual Genome.
    """
    return _ratio(one.tally.characters, one.tally.captions)


def words(one: CaptionSet) -> Value:
    """Words per caption, as ``annoengine.statistics.words`` cuts them.

    Source: Pix2Cap-COCO, Table 1, "Words"; COCONut-PanCap, Table 1, "Avg. Words". Neither says
    how words are cut.
    """
    return _ratio(one.tally.words, one.tally.captions)


def sentences(one: CaptionSet) -> Value:
    """Sentences per caption, as ``annoengine.statistics.words`` counts them.

    Source: Pix2Cap-COCO, Table 1, "Sentences"; COCONut-PanCap, section 3.1.
    """
    return _ratio(one.tally.sentences, one.tally.captions)


def nouns(one: CaptionSet) -> Value:
    """Nouns per caption, proper ones included. Source: Pix2Cap-COCO, Table 1, "Noun"."""
    return _per_caption(one, lambda classes: classes.nouns)


def adjectives(one: CaptionSet) -> Value:
    """Adjectives per caption. Source: Pix2Cap-COCO, Table 1, "Adjective"."""
    return _per_caption(one, lambda classes: classes.adjectives)


def adverbs(one: CaptionSet) -> Value:
    """Adverbs per caption. Source: Pix2Cap-COCO, Table 1, "Adverb"."""
    return _per_caption(one, lambda classes: classes.adverbs)


def verbs(one: CaptionSet) -> Value:
    """Verbs per caption, without auxiliaries. Source: Pix2Cap-COCO, Table 1, "Verb"; ours is that
    auxiliaries ("is standing", "is red") are counted apart."""
    return _per_caption(one, lambda classes: classes.verbs)


def auxiliaries(one: CaptionSet) -> Value:
    """Auxiliary verbs per caption, "is" and "has" before all. Ours."""
    return _per_caption(one, lambda classes: classes.auxiliaries)


def attributes(one: CaptionSet) -> Value:
    """Attributes per caption. Source: Pix2Cap-COCO, section 3.2 and Fig. 3 B; what counts as one
    is ours (``annoengine.statistics.word_classes.is_attribute``)."""
    return _per_caption(one, lambda classes: sum(n * c for n, c in classes.attributes.items()))


def more_than_one_attribute(one: CaptionSet) -> Value:
    """The share of captions with more than one attribute. Source: Pix2Cap-COCO, section 3.2."""
    return _per_caption(one, lambda classes: sum(c for n, c in classes.attributes.items() if n > 1))


def masks_per_image(one: CaptionSet) -> Value:
    """Masks per sample whose masks are known, crowds included.

    Source: COCONut-PanCap, Table 1, "Masks". For GCG files these are the grounded masks alone:
    they have no others.
    """
    return _ratio(one.masks, one.masked)


def segments_grounded(one: CaptionSet) -> Value:
    """The share of the segments of captioned images that a caption is about; crowds are no part.

    Of an image's caption: segments of a grounded phrase; of captions of regions: segments with a
    caption. Ours.
    """
    return _ratio(one.grounded, one.groundable)


def nouns_beyond_class_names(one: CaptionSet) -> Value:
    """The share of nouns that are neither a class name nor another word for a class.

    After COCONut-PanCap, section 3.3 and Fig. 4; how that is told is ours
    (``annoengine.statistics.class_names``).
    """
    kinds = noun_kinds(one)
    return None if kinds is None else _ratio(kinds["beyond"], sum(kinds.values()))


MEASURES: Mapping[str, Callable[[CaptionSet], Value]] = {
    function.__name__: function
    for function in (
        images,
        captions,
        captions_per_image,
        samples,
        characters,
        words,
        sentences,
        nouns,
        adjectives,
        adverbs,
        verbs,
        auxiliaries,
        attributes,
        more_than_one_attribute,
        masks_per_image,
        segments_grounded,
        nouns_beyond_class_names,
    )
}
"""All measures that are one number, by name."""


@dataclass(frozen=True)
class Common:
    """A word that is said often, in its most frequent form: how often in all its forms, and for
    nouns what it is to the classes."""

    word: str
    times: int
    kind: NounKind | None = None


def length_quantile(one: CaptionSet, percent: int) -> int:
    """The length in words that at most ``percent`` % of the captions fall below.

    Source: Pix2Cap-COCO, Fig. 3 A, draws the quartiles.
    """
    below, wanted = 0, one.tally.captions * percent // 100
    longest = 0
    for length, times in sorted(one.tally.lengths.items()):
        longest = length
        below += times
        if below > wanted:
            break
    return longest


def noun_kinds(one: CaptionSet) -> dict[NounKind, int] | None:
    """How many nouns are class names, other words for classes, and beyond."""
    if one.tally.classes is None:
        return None
    kinds = dict.fromkeys(NOUN_KINDS, 0)
    for (_, kind), times in one.tally.classes.noun_forms.items():
        kinds[kind] += times
    return kinds


def common_nouns(one: CaptionSet, most: int, beyond: bool = False) -> list[Common]:
    """The most frequent nouns, or those beyond the classes alone. Singular and plural are one.

    Source: Pix2Cap-COCO, Fig. 3 C; COCONut-PanCap, Fig. 4.
    """
    classes = one.tally.classes
    groups: dict[tuple[str, NounKind], Counter[str]] = {}
    for (form, kind), times in classes.noun_forms.items() if classes else ():
        if kind == "beyond" or not beyond:
            groups.setdefault((singular(form), kind), Counter())[form] += times
    found = [_most_written(forms, kind) for (_, kind), forms in groups.items()]
    return sorted(found, key=lambda one: (-one.times, one.word, one.kind or ""))[:most]


def common_verbs(one: CaptionSet, most: int) -> list[Common]:
    """The most frequent verbs, all forms of one together. Source: Pix2Cap-COCO, Fig. 3 C."""
    classes = one.tally.classes
    groups: dict[str, Counter[str]] = {}
    for (form, lemma), times in classes.verb_forms.items() if classes else ():
        groups.setdefault(lemma, Counter())[form] += times
    found = [_most_written(forms) for forms in groups.values()]
    return sorted(found, key=lambda one: (-one.times, one.word))[:most]


def _most_written(forms: Counter[str], kind: NounKind | None = None) -> Common:
    """Some forms of a word as the one that comes most often."""
    word = min(forms, key=lambda form: (-forms[form], form))
    return Common(word, forms.total(), kind)


def most_common(forms: Mapping[str, int], most: int) -> list[Common]:
    """The most frequent words, those of equal frequency by the alphabet.

    >>> [one.word for one in most_common({"b": 2, "a": 2, "c": 5}, 2)]
    ['c', 'a']
    """
    found = sorted(forms.items(), key=lambda one: (-one[1], one[0]))[:most]
    return [Common(word, times) for word, times in found]


def _ratio(part: float, whole: float) -> Value:
    return part / whole if whole else None


def _per_caption(one: CaptionSet, count: Callable[[WordClasses], float]) -> Value:
    classes = one.tally.classes
    return None if classes is None else _ratio(count(classes), one.tally.captions)
