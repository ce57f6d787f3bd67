"""How much of a caption repeats itself: sentences said twice, loops, stuttering.

Counted are runs of four words (as n-gram filters of web text do): a caption that names "a man
wearing a" shirt twice repeats one or two of them, one that goes round in a loop nearly all.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.text_faults.sentences import sentences_in, words_in

RUN_WORDS = 4
"""The length of the runs that are counted. Ours: three repeat in sound captions ("in the back")."""

_LEAST_SENTENCE_WORDS = 3
_LONGEST_STUTTER_WORDS = 3
_MAY_DOUBLE = frozenset({"that", "had", "very", "so", "really", "much", "two", "one"})


def repetition_share(text: str) -> float:
    """How much of a caption was said before in it: 0 nothing, towards 1 all but the first time.

    The largest of three shares: of its runs of four words that occurred before, of its sentences
    (of three words or more) that were said before, and of its words that double the one to three
    words right before them ("the the", "red and red and red").

    >>> repetition_share("A red car. It is parked by the wall. It is parked by the wall.")
    0.3333
    >>> repetition_share("the dog and the dog and the dog and the dog and the dog")
    0.7857
    >>> repetition_share("A man in a red shirt and a woman in a blue shirt.")
    0.0
    """
    words = words_in(text)
    if len(set(words)) == len(words):
        return 0.0
    return round(max(_of_runs(words), _of_sentences(text), _of_stutter(words, text.lower())), 4)


def _of_runs(words: Sequence[str]) -> float:
    runs = [tuple(words[i : i + RUN_WORDS]) for i in range(len(words) - RUN_WORDS + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _of_sentences(text: str) -> float:
    said = [tuple(words_in(sentence)) for sentence in sentences_in(text)]
    whole = [words for words in said if len(words) >= _LEAST_SENTENCE_WORDS]
    return (len(whole) - len(set(whole))) / len(said) if said else 0.0


def _of_stutter(words: Sequence[str], text: str) -> float:
    """Words that double what stands before them; two or three words, only from the third time.

    "A big, big dog" means it.
    """
    doubled: set[int] = set()
    for length in range(1, _LONGEST_STUTTER_WORDS + 1):
        least = 1 if length == 1 else 2
        run = 0
        for i in range(length, len(words)):
            run = run + 1 if words[i] == words[i - length] else 0
            if length == 1 and run == 1 and _is_meant(words[i], text):
                continue
            if run >= least * length:
                doubled.update(range(i - run + 1, i + 1))
    return len(doubled) / len(words) if words else 0.0


def _is_meant(word: str, text: str) -> bool:
    return word in _MAY_DOUBLE or f"{word}, {word}" in text
