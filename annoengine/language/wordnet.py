"""WordNet, where a recipe wants it: which words may stand for each other.

The dictionary's own files are searched where they lie, so that a worker process opens it in no
time and holds nothing of it in memory. NLTK's reader would load all of it, wants a file that
Debian's package leaves out, and opens no folder but its own. Only common senses count: with the
rare ones, nearly every word of a caption would be a synonym of some other.

Source: WordNet 3.0 manual, wndb(5WN), "Index File Format" and "Data File Format".
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from annoengine.errors import InputError
from annoengine.requirement import Requirement

WordClass = Literal["noun", "verb", "adj", "adv"]

OFF = "off"
AUTO = "auto"
"""The settings that are no path: without WordNet; wherever it is found."""

SYSTEM = Path("/usr/share/wordnet")
"""Where Debian's wordnet-base puts the dictionary."""

COMMON_SENSES = 3
"""Senses of a word that count, the most frequent first. Ours: with three, "sofa" is a "couch" and
"bicycle" a "bike", and "plate" is not yet a "home"."""

_CLASSES: tuple[WordClass, ...] = ("noun", "verb", "adj", "adv")
_FILES = tuple(f"{kind}.{part}" for kind in ("index", "data") for part in _CLASSES)
_COMMAND = "apt-get install wordnet-base (or: python -m nltk.downloader wordnet, then unzip it)"


def _is_dictionary(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _FILES)


def _usual_folders() -> Iterator[Path]:
    """Where Debian puts it, and where NLTK keeps its data, as its manual lists the places."""
    yield SYSTEM
    homes = [home for home in os.environ.get("NLTK_DATA", "").split(os.pathsep) if home]
    homes.append(str(Path.home() / "nltk_data"))
    homes += [f"/usr/{place}/nltk_data" for place in ("share", "local/share", "lib", "local/lib")]
    for home in homes:
        yield Path(home) / "corpora" / "wordnet"


def find_wordnet(setting: str) -> Path | None:
    """The folder of the dictionary: that of the setting, for ``auto`` the first that is found.

    None for ``off``, and where there is none.
    """
    if setting == OFF:
        return None
    folders = _usual_folders() if setting == AUTO else iter([Path(setting)])
    return next((folder for folder in folders if _is_dictionary(folder)), None)


def wordnet_requirements(setting: str) -> tuple[Requirement, ...]:
    """The dictionary, with the command that brings it; nothing for ``off``."""
    if setting == OFF:
        return ()
    what = "WordNet" if setting == AUTO else f"WordNet in {setting!r}"
    return (Requirement(what, find_wordnet(setting) is not None, _COMMAND),)


@lru_cache(maxsize=4)
def wordnet_version(setting: str) -> str:
    """The dictionary by content, for fingerprints: "off", "not installed" or a hash.

    The same release in another folder has the same.
    """
    if setting == OFF:
        return OFF
    folder = find_wordnet(setting)
    if folder is None:
        return "not installed"
    sha256 = hashlib.sha256()
    for name in _FILES:
        sha256.update((folder / name).read_bytes())
    return f"sha256 {sha256.hexdigest()[:16]}"


@dataclass(frozen=True)
class _Sense:
    """A set of synonyms: its words, and where its hypernyms stand in the data file."""

    words: frozenset[str]
    hypernyms: tuple[int, ...]


class WordNet:
    """What WordNet says of lemmas. Opened from a setting; answers are remembered."""

    def __init__(self, setting: str) -> None:
        """Opens the files. Raises InputError where they are missing."""
        folder = find_wordnet(setting)
        if folder is None:
            what = "WordNet" if setting == AUTO else f"WordNet in {setting!r}"
            raise InputError(
                f"{what} is not installed; install it: {_COMMAND}, or set wordnet: off"
            )
        self.folder = folder
        self._maps: dict[str, mmap.mmap] = {}
        self._senses: dict[tuple[WordClass, str], tuple[_Sense, ...]] = {}

    def are_synonyms(self, one: str, other: str, word_class: WordClass) -> bool:
        """Do two lemmas share one of their common senses?

        A sense that is common for one and rare for the other counts for neither.
        """
        ours = self._common(one, word_class)
        theirs = self._common(other, word_class)
        return any(sense in theirs for sense in ours)

    def is_kind_of(self, noun: str, wider: str, steps: int = 1) -> bool:
        """Is ``wider`` a hypernym of ``noun``, by so many steps at most, in a common sense?"""
        wanted = set(self._common(wider, "noun"))
        level = set(self._common(noun, "noun"))
        for _ in range(steps):
            level = {self._sense("noun", at) for sense in level for at in sense.hypernyms}
            if not level.isdisjoint(wanted):
                return True
        return False

    def synonyms(self, lemma: str, word_class: WordClass) -> frozenset[str]:
        """The words of all senses of a lemma, itself among them and rare ones too.

        Spaces are "_", as in the dictionary. Nothing where the lemma is not in it.
        """
        places = self._places(lemma.lower().replace(" ", "_"), word_class)
        return frozenset(word for at in places for word in self._sense(word_class, at).words)

    def _common(self, lemma: str, word_class: WordClass) -> tuple[_Sense, ...]:
        key = (word_class, lemma)
        found = self._senses.get(key)
        if found is None:
            places = self._places(lemma.lower().replace(" ", "_"), word_class)
            found = tuple(self._sense(word_class, at) for at in places[:COMMON_SENSES])
            self._senses[key] = found
        return found

    def _places(self, lemma: str, word_class: WordClass) -> list[int]:
        """Where the senses of a lemma stand in the data file, the most frequent first."""
        line = self._line_of(f"index.{word_class}", lemma.encode("utf-8"))
        if line is None:
            return []
        fields = line.split()
        count = int(fields[2])
        return [int(field) for field in fields[len(fields) - count :]]

    def _line_of(self, name: str, lemma: bytes) -> bytes | None:
        """The line of a sorted index file that begins with a lemma."""
        data = self._open(name)
        low, high = 0, len(data)
        while low < high:
            start = data.rfind(b"\n", 0, (low + high) // 2) + 1
            end = data.find(b"\n", start)
            end = len(data) if end < 0 else end
            # The lines of the licence begin with spaces, which sort before every lemma.
            word = b"" if data[start : start + 1] == b" " else data[start:end].split(b" ", 1)[0]
            if word == lemma:
                return data[start:end]
            if word < lemma:
                low = end + 1
            else:
                high = start
        return None

    def _sense(self, word_class: WordClass, at: int) -> _Sense:
        data = self._open(f"data.{word_class}")
        fields = data[at : data.find(b"\n", at)].decode("utf-8").split(" | ")[0].split()
        count = int(fields[3], 16)
        words = frozenset(fields[4 + 2 * n].partition("(")[0].lower() for n in range(count))
        rest = fields[4 + 2 * count :]
        pointers = [rest[1 + 4 * n : 5 + 4 * n] for n in range(int(rest[0]))]
        above = tuple(int(place) for symbol, place, *_ in pointers if symbol in ("@", "@i"))
        return _Sense(words, above)

    def _open(self, name: str) -> mmap.mmap:
        opened = self._maps.get(name)
        if opened is None:
            with (self.folder / name).open("rb") as file:
                opened = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._maps[name] = opened
        return opened


@lru_cache(maxsize=2)
def wordnet_of(setting: str) -> WordNet | None:
    """This process's WordNet of a setting; None for ``off``."""
    return None if setting == OFF else WordNet(setting)
