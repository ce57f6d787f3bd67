"""Finds plug-ins by name: the file's name is the registered name.

``stages/annotate.py`` is the stage ``annotate``; its class is the one public subclass or the
class whose name is the file's in CapWords. A name with a dot or colon (``mylab.steps:Blur``) is
imported as it stands; installed packages may add names by entry points in the group
``annoengine.<kind>``. There is no table, no decorator, and nothing is imported before it is used.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Iterable
from typing import Any, Literal

from annoengine.errors import RecipeError

Kind = Literal[
    "stage",
    "source",
    "provider",
    "exporter",
    "answer",
    "executor",
    "validator",
    "segmenter",
    "metric",
]

PLURALS: dict[str, str] = {
    "stage": "stages",
    "source": "sources",
    "provider": "providers",
    "exporter": "exporters",
    "answer": "answers",
    "executor": "executors",
    "validator": "validators",
    "segmenter": "segmenters",
    "metric": "metrics",
}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'rephrase'?"``, or what is known, or nothing.

    >>> did_you_mean("rephrse", ["annotate", "rephrase"])
    " Did you mean 'rephrase'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" Known: {', '.join(names)}." if names else ""


def names(kind: Kind) -> list[str]:
    """All names of a kind that can be used here, packaged and installed, sorted."""
    package = f"annoengine.{PLURALS[kind]}"
    found = {
        module.name
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if not module.name.startswith("_")
    }
    found |= {e.name for e in importlib.metadata.entry_points(group=f"annoengine.{kind}")}
    return sorted(found)


def class_name(name: str) -> str:
    """The class that a plug-in's file holds.

    >>> class_name("coco_panoptic"), class_name("qwen2_vl")
    ('CocoPanoptic', 'Qwen2Vl')
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def find(kind: Kind, name: str) -> Any:
    """The plug-in class of a kind and name.

    Raises RecipeError: "no stage called 'rephrse'. Did you mean 'rephrase'?"
    """
    if "." in name or ":" in name:
        module_name, _, attribute = name.replace(":", ".").rpartition(".")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise RecipeError(f"the {kind} {name!r} cannot be imported: {error}") from None
    module_name = f"annoengine.{PLURALS[kind]}.{name}"
    if name.isidentifier() and importlib.util.find_spec(module_name) is not None:
        return getattr(importlib.import_module(module_name), class_name(name))
    for entry in importlib.metadata.entry_points(group=f"annoengine.{kind}", name=name):
        return entry.load()
    raise RecipeError(f"no {kind} called {name!r}.{did_you_mean(name, names(kind))}")
