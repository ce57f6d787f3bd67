"""What a plug-in needs from the machine besides its parameters, and how to get it.

A source, stage or provider lists its requirements; nothing is imported or sent to find out
whether they are met.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Requirement:
    """One thing that is needed: a key, an extra package, a file. ``remedy`` is the command."""

    what: str
    met: bool
    remedy: str = ""


def key_in(variable: str) -> Requirement:
    """A key in an environment variable. Its value is looked at for emptiness alone."""
    met = bool(os.environ.get(variable, "").strip())
    return Requirement(f"the key {variable}", met, f"export {variable}=…")


def extra(name: str, *modules: str) -> Requirement:
    """An extra of annoengine, by the modules it brings.

    >>> extra("speech", "no_such_module")
    Requirement(what="the extra 'speech'", met=False, remedy="pip install 'annoengine[speech]'")
    """
    met = all(importlib.util.find_spec(module) is not None for module in modules)
    return Requirement(f"the extra {name!r}", met, f"pip install 'annoengine[{name}]'")
