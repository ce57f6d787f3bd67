"""WordNet's own files: what is found in them, where they are looked for, what is said if not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from annoengine.errors import InputError
from annoengine.language.wordnet import (
    AUTO,
    OFF,
    WordNet,
    find_wordnet,
    wordnet_of,
    wordnet_requirements,
    wordnet_version,
)

pytestmark = pytest.mark.usefixtures("_wordnet_there")

COMMAND = "apt-get install wordnet-base (or: python -m nltk.downloader wordnet, then unzip it)"


@pytest.fixture(scope="module")
def dictionary() -> WordNet:
    """The installed WordNet; these tests want it installed, as the recipes that name it do."""
    return WordNet(AUTO)


@pytest.mark.parametrize(
    ("one", "other", "word_class", "same"),
    [
        ("sofa", "couch", "noun", True),
        ("bicycle", "bike", "noun", True),
        ("car", "automobile", "noun", True),
        ("rock", "stone", "noun", True),
        ("big", "large", "adj", True),
        ("grey", "gray", "adj", True),
        ("plate", "home", "noun", False),
        ("sit", "stand", "verb", False),
        ("hold", "carry", "verb", False),
        ("left", "right", "adj", False),
        ("dog", "puppy", "noun", False),
        ("zzyzx", "zzyzx", "noun", False),
    ],
)
def test_synonyms_share_a_common_sense(
    dictionary: WordNet, one: str, other: str, word_class: str, same: bool
) -> None:
    assert dictionary.are_synonyms(one, other, word_class) is same  # type: ignore[arg-type]
    assert dictionary.are_synonyms(other, one, word_class) is same  # type: ignore[arg-type]


def test_synonyms_are_the_words_of_all_senses(dictionary: WordNet) -> None:
    # WordNet 3.0 has five senses of the noun "car": a motor vehicle, of trains, of airships, of
    # lifts, of cableways.
    assert dictionary.synonyms("Car", "noun") == {
        *("car", "auto", "automobile", "machine", "motorcar", "railcar", "railway_car"),
        *("railroad_car", "gondola", "elevator_car", "cable_car"),
    }
    assert "hot_dog" in dictionary.synonyms("hot dog", "noun")
    assert dictionary.synonyms("zzyzx", "noun") == frozenset()


def test_a_wider_noun_is_wider_in_one_direction(dictionary: WordNet) -> None:
    assert dictionary.is_kind_of("puppy", "dog")
    assert not dictionary.is_kind_of("dog", "puppy")
    assert dictionary.is_kind_of("couch", "seat")
    assert not dictionary.is_kind_of("man", "vehicle", steps=3)
    # A car is a motor vehicle, and that a self-propelled one, and so on.
    assert not dictionary.is_kind_of("car", "vehicle")
    assert dictionary.is_kind_of("car", "vehicle", steps=4)


def test_every_line_of_an_index_is_found(dictionary: WordNet) -> None:
    lines = (dictionary.folder / "index.noun").read_text(encoding="utf-8").splitlines()
    lemmas = [line.split(" ", 1)[0] for line in lines if not line.startswith(" ")]
    assert len(lemmas) > 100_000
    for lemma in [lemmas[0], *lemmas[1::997], lemmas[-1]]:
        assert dictionary.are_synonyms(lemma, lemma, "noun"), lemma


def test_off_is_none_and_asks_for_nothing() -> None:
    assert wordnet_of(OFF) is None
    assert find_wordnet(OFF) is None
    assert wordnet_requirements(OFF) == ()
    assert wordnet_version(OFF) == "off"


def test_the_same_dictionary_in_another_folder_has_the_same_version(
    dictionary: WordNet, tmp_path: Path
) -> None:
    for path in dictionary.folder.glob("*.*"):
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    assert wordnet_version(str(tmp_path)) == wordnet_version(AUTO)
    assert wordnet_version(AUTO).startswith("sha256 ")
    assert WordNet(str(tmp_path)).are_synonyms("sofa", "couch", "noun")
    (tmp_path / "data.adv").write_bytes(b"")
    wordnet_version.cache_clear()
    assert wordnet_version(str(tmp_path)) != wordnet_version(AUTO)


def test_nltks_own_folder_is_looked_for(
    dictionary: WordNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpora = tmp_path / "corpora"
    corpora.mkdir()
    (corpora / "wordnet").symlink_to(dictionary.folder)
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    monkeypatch.setattr("annoengine.language.wordnet.SYSTEM", tmp_path / "nothing")
    assert find_wordnet(AUTO) == corpora / "wordnet"


def test_a_missing_dictionary_is_one_sentence_with_the_command(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with pytest.raises(InputError) as error:
        WordNet(folder)
    assert str(error.value) == (
        f"WordNet in {folder!r} is not installed; install it: {COMMAND}, or set wordnet: off"
    )
    (requirement,) = wordnet_requirements(folder)
    assert (requirement.met, requirement.remedy) == (False, COMMAND)
    assert requirement.what == f"WordNet in {folder!r}"
    assert wordnet_version(folder) == "not installed"
