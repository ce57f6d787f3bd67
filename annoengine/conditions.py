"""Conditions on scores, as a recipe writes them: ``facts.contradicted == 0 and clip >= q10``.

Names of scores, numbers, comparisons, ``and``, ``or``, ``not`` and brackets; nothing else. A
name alone stands for a value above 0. Where the whole dataset is known, a score may be compared
with its own quantile: ``q10`` is the value below which 10 % of all its values lie.

There are two ways to ask. :meth:`Condition.holds` asks about a list of scores, and a comparison
holds where any score of that name satisfies it: of the record, or of one of its segments; a score
that is missing satisfies none. :meth:`Condition.judge` asks about one value a name, and what
turns on a score that is missing is neither true nor false: a missing score never lets anything
pass, not even under a ``not``.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from annoengine.errors import RecipeError
from annoengine.quantiles import rounded
from annoengine.record import Score
from annoengine.registry import did_you_mean

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_QUANTILE = re.compile(r"q([0-9]{1,3})")

Quantiles = Mapping[tuple[str, int], float]
"""The value of each (score, percent) of a dataset."""


@dataclass(frozen=True)
class Comparison:
    """A score compared with a number, or with the quantile ``percent`` of its own values."""

    score: str
    sign: str
    number: float = 0.0
    percent: int | None = None

    @property
    def bound(self) -> str:
        """What stands on the right: ``0.5``, ``q10``."""
        return f"{self.number:.15g}" if self.percent is None else f"q{self.percent}"

    def __str__(self) -> str:
        """``clip >= q10``."""
        return f"{self.score} {self.sign} {self.bound}"

    def true_of(self, value: float, quantiles: Quantiles) -> bool | None:
        """Does a value satisfy it? None where no value of the score gave a quantile."""
        if self.percent is None:
            return _COMPARE[self.sign](value, self.number)
        number = quantiles.get((self.score, self.percent))
        # A quantile is one of the rounded values, so that it is compared with such.
        return None if number is None else _COMPARE[self.sign](rounded(value), number)


@dataclass(frozen=True)
class _Joined:
    """Conditions joined by a word."""

    word: Literal["and", "or", "not"]
    parts: tuple[_Node, ...]


_Node = Comparison | _Joined


@dataclass(frozen=True)
class Condition:
    """A condition that was read and whose names are known.

    >>> low = Condition.read("clip.mean < 0.2", {"clip.mean"})
    >>> low.holds([Score(name="clip.mean", value=0.1, by="score_clip")])
    True
    >>> good = Condition.read("facts == 0 and not (leak or clip < q10)", None, quantiles=True)
    >>> [part.text for part in good.parts()]
    ['facts == 0', 'not (leak > 0 or clip < q10)']
    >>> good.judge({"facts": 0, "leak": 0, "clip": 0.3}, {("clip", 10): 0.2})
    True
    >>> good.judge({"facts": 0, "leak": 0}, {("clip", 10): 0.2}) is None
    True
    """

    text: str
    _tree: _Node = field(repr=False, compare=False)

    @staticmethod
    def read(text: str, known: Collection[str] | None, *, quantiles: bool = False) -> Condition:
        """The condition in a text. Raises RecipeError for what is no condition, or no score.

        ``known`` are the names of scores; None: they are checked elsewhere. ``quantiles``: may
        a score be compared with ``q10``?
        """
        try:
            tree = _read(ast.parse(text.strip(), mode="eval").body, text, quantiles)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise RecipeError(
                f"{text!r} is no condition; one looks like: parse.failed > 0.2 or clip.mean < 0.2"
            ) from None
        condition = Condition(text, tree)
        if known is not None:
            condition.check(known)
        return condition

    def check(self, known: Collection[str]) -> None:
        """Raises RecipeError for a score that is not among the known ones."""
        for name in self.names():
            if name not in known:
                near = did_you_mean(name, known) or " Nothing before it gives a score."
                raise RecipeError(f"no score is called {name!r}.{near}")

    def comparisons(self) -> tuple[Comparison, ...]:
        """Every comparison, from left to right."""
        return tuple(_leaves(self._tree))

    def names(self) -> tuple[str, ...]:
        """The scores that it names, each once."""
        return tuple(dict.fromkeys(leaf.score for leaf in self.comparisons()))

    def quantiles(self) -> frozenset[tuple[str, int]]:
        """The quantiles that it names: (score, percent)."""
        return frozenset(
            (leaf.score, leaf.percent) for leaf in self.comparisons() if leaf.percent is not None
        )

    def parts(self) -> tuple[Condition, ...]:
        """The conditions that its outermost ``and`` joins; itself where there is none."""
        return tuple(Condition(_text(node), node) for node in _parts(self._tree))

    def holds(self, scores: Iterable[Score]) -> bool:
        """Does the condition hold for these scores?"""
        values: dict[str, list[float]] = {}
        for score in scores:
            values.setdefault(score.name, []).append(score.value)

        def any_satisfies(leaf: Comparison) -> bool:
            return any(leaf.true_of(value, {}) for value in values.get(leaf.score, ()))

        return bool(_truth(self._tree, any_satisfies))

    def judge(self, values: Mapping[str, float], quantiles: Quantiles) -> bool | None:
        """Is it true of these values? None where that turns on one that is missing."""

        def satisfies(leaf: Comparison) -> bool | None:
            value = values.get(leaf.score)
            return None if value is None else leaf.true_of(value, quantiles)

        return _truth(self._tree, satisfies)


def _parts(node: _Node) -> Iterable[_Node]:
    if isinstance(node, _Joined) and node.word == "and":
        for part in node.parts:
            yield from _parts(part)
    else:
        yield node


def _leaves(node: _Node) -> Iterable[Comparison]:
    if isinstance(node, Comparison):
        yield node
    else:
        for part in node.parts:
            yield from _leaves(part)


def _text(node: _Node, inside: str = "") -> str:
    """A condition in its plainest writing; ``inside`` is the word that it stands beneath."""
    if isinstance(node, Comparison):
        return str(node)
    if node.word == "not":
        return f"not {_text(node.parts[0], 'not')}"
    text = f" {node.word} ".join(_text(part, node.word) for part in node.parts)
    return f"({text})" if inside else text


def _truth(node: _Node, satisfies: Callable[[Comparison], bool | None]) -> bool | None:
    """Kleene's three values: what is not known stays so unless the rest decides without it."""
    if isinstance(node, Comparison):
        return satisfies(node)
    found = [_truth(part, satisfies) for part in node.parts]
    if node.word == "not":
        return None if found[0] is None else not found[0]
    decides = node.word == "or"
    if decides in found:
        return decides
    return None if None in found else not decides


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        front = _name(node.value)
        return None if front is None else f"{front}.{node.attr}"
    return None


def _number(node: ast.expr) -> float | None:
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1.0, node.operand
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return sign * float(str(node.value))
    return None


def _percent(node: ast.expr) -> int | None:
    """The percent of a quantile, or None for what is none."""
    found = _QUANTILE.fullmatch(_name(node) or "")
    return int(found[1]) if found else None


def _read(node: ast.expr, text: str, quantiles: bool) -> _Node:
    """The condition that a tree is. Raises RecipeError for anything else."""
    name = _name(node)
    if name is not None and _percent(node) is None:
        return Comparison(name, ">")
    if isinstance(node, ast.BoolOp):
        word: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
        return _Joined(word, tuple(_read(value, text, quantiles) for value in node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _Joined("not", (_read(node.operand, text, quantiles),))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _SIGNS:
        sign = _SIGNS[type(node.ops[0])]
        left, right = node.left, node.comparators[0]
        if _is_score(right):
            left, right, sign = right, left, _TURNED[sign]
        if _is_score(left):
            compared = _comparison(_name(left) or "", sign, right, text, quantiles)
            if compared is not None:
                return compared
    raise RecipeError(
        f"in the condition {text!r}, {ast.unparse(node)!r} is neither a score nor a comparison of "
        "one with a number"
    )


def _is_score(node: ast.expr) -> bool:
    return _name(node) is not None and _percent(node) is None


def _comparison(
    score: str, sign: str, right: ast.expr, text: str, quantiles: bool
) -> Comparison | None:
    number, percent = _number(right), _percent(right)
    if number is not None:
        return Comparison(score, sign, number)
    if percent is None:
        return None
    if not quantiles:
        raise RecipeError(
            f"in the condition {text!r}, {_name(right)!r} stands for a quantile of the whole "
            "dataset, which is not known here; name a number"
        )
    if not 1 <= percent <= 99:
        raise RecipeError(f"in the condition {text!r}, {_name(right)!r} is none of q1 to q99")
    return Comparison(score, sign, percent=percent)
