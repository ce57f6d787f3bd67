"""Conditions on a record's scores, as a recipe writes them: ``parse.failed or clip.mean < 0.2``.

Names of scores, numbers, comparisons, ``and``, ``or``, ``not`` and brackets; nothing else. A
name alone is true where the record has such a score above 0. A comparison holds where any score
of that name satisfies it: of the record, or of one of its segments.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from annoengine.errors import RecipeError
from annoengine.record import Score
from annoengine.registry import did_you_mean

_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Condition:
    """A condition that was read and whose names are known.

    >>> low = Condition.read("clip.mean < 0.2", {"clip.mean"})
    >>> low.holds([Score(name="clip.mean", value=0.1, by="score_clip")])
    True
    """

    text: str
    _tree: ast.expr = field(repr=False, compare=False)

    @staticmethod
    def read(text: str, known: Collection[str] | None) -> Condition:
        """The condition in a text. Raises RecipeError for what is no condition, or no score.

        ``known`` are the names of scores; None: they were checked before.
        """
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            raise RecipeError(
                f"{text!r} is no condition; one looks like: parse.failed > 0.2 or clip.mean < 0.2"
            ) from None
        for name in _names(tree, text):
            if known is not None and name not in known:
                raise RecipeError(f"no score is called {name!r}.{did_you_mean(name, known)}")
        return Condition(text, tree)

    def holds(self, scores: Iterable[Score]) -> bool:
        """Does the condition hold for these scores?"""
        values: dict[str, list[float]] = {}
        for score in scores:
            values.setdefault(score.name, []).append(score.value)
        return _holds(self._tree, values)


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


def _names(node: ast.expr, text: str) -> list[str]:
    """The scores that a condition names. Raises RecipeError for anything but a condition."""
    name = _name(node)
    if name is not None:
        return [name]
    if isinstance(node, ast.BoolOp):
        return [name for value in node.values for name in _names(value, text)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _names(node.operand, text)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        sides = (node.left, node.comparators[0])
        named = [name for side in sides if (name := _name(side)) is not None]
        numbers = [number for side in sides if (number := _number(side)) is not None]
        if len(named) == len(numbers) == 1 and type(node.ops[0]) in _COMPARISONS:
            return named
    raise RecipeError(
        f"in the condition {text!r}, {ast.unparse(node)!r} is neither a score nor a comparison of "
        "one with a number"
    )


def _holds(node: ast.expr, values: dict[str, list[float]]) -> bool:
    name = _name(node)
    if name is not None:
        return any(value > 0 for value in values.get(name, ()))
    if isinstance(node, ast.BoolOp):
        joined = all if isinstance(node.op, ast.And) else any
        return joined(_holds(value, values) for value in node.values)
    if isinstance(node, ast.UnaryOp):
        return not _holds(node.operand, values)
    assert isinstance(node, ast.Compare)
    compare = _COMPARISONS[type(node.ops[0])]
    left, right = node.left, node.comparators[0]
    score, number = _name(left), _number(right)
    if score is not None:
        assert number is not None
        return any(compare(value, number) for value in values.get(score, ()))
    score, number = _name(right), _number(left)
    assert score is not None
    assert number is not None
    return any(compare(number, value) for value in values.get(score, ()))
