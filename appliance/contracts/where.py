"""Which items a subscription means: `gsd_m <= 0.5 and bands >= 3`. Pure; used by the API, which routes by it, by the operator,
which says what is wrong with it, and by the command line.

A small language read by Python's own parser and kept to what is listed here: names, numbers, comparisons, and, or, not.
Where an item has no such value (no georeference: no gsd_m) a comparison is neither true nor false, as in SQL; only what is
true gives a run.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import SceneInfo

NAMES = {
    "gsd_m": "ground size of a pixel at the scene's centre, in metres",
    "width_px": "width of the scene, in pixels",
    "height_px": "height of the scene, in pixels",
    "megapixels": "size of the scene, in millions of pixels",
    "bands": "number of bands",
}
"""What can be asked of an item now. Contexts (cloud, snow, haze) join when something measures them."""

LIMIT_CHARACTERS = 1024
_MOST_NODES = 200
_DEEPEST = 50
_LARGEST = 1e300
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Where:
    """An expression that was understood."""

    text: str
    _root: ast.expr

    def matches(self, values: Values) -> bool:
        """Whether it is true of an item with these values."""
        return _truth(self._root, values) is True


def parse(text: str) -> Where:
    """Raises VedetteError(INVALID) with one sentence: what is wrong, and what there is."""
    if len(text) > LIMIT_CHARACTERS:
        raise _wrong(f"the expression has more than {LIMIT_CHARACTERS} characters")
    try:
        root = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _wrong(f"'{_short(text)}' is not an expression") from error
    if sum(1 for _ in ast.walk(root)) > _MOST_NODES or _depth(root) > _DEEPEST:
        raise _wrong("the expression is too long")
    _check(root)
    return Where(text, root)


def of_scene(scene: SceneInfo) -> dict[str, float | None]:
    """The values of a ready item."""
    return {
        "gsd_m": scene.gsd_metres,
        "width_px": scene.width,
        "height_px": scene.height,
        "megapixels": scene.width * scene.height / 1e6,
        "bands": len(scene.bands),
    }


def _check(node: ast.expr) -> None:
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check(operand)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            if any(type(op) not in _COMPARISONS for op in ops):
                raise _wrong(f"'{_short(ast.unparse(node))}' compares by something else than <, <=, >, >=, == and !=")
            for term in (left, *comparators):
                _check_term(term)
        case _:
            raise _wrong(f"'{_short(ast.unparse(node))}' is no comparison")


def _check_term(node: ast.expr) -> None:
    if isinstance(node, ast.Name):
        if node.id not in NAMES:
            raise _wrong(f"nothing is known of items as '{_short(node.id)}'")
    elif _number(node) is None:
        raise _wrong(f"'{_short(ast.unparse(node))}' is neither a name nor a number")


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        found = _number(node.operand)
        return None if found is None else -found
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value if abs(node.value) < _LARGEST else None
    return None


def _truth(node: ast.expr, values: Values) -> bool | None:
    """True, false, or None: not known (Kleene's logic)."""
    match node:
        case ast.BoolOp(op=op, values=parts):
            found = [_truth(part, values) for part in parts]
            decides = isinstance(op, ast.Or)
            return decides if decides in found else None if None in found else not decides
        case ast.UnaryOp(operand=operand):
            inner = _truth(operand, values)
            return None if inner is None else not inner
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            terms = [_value(term, values) for term in (left, *comparators)]
            pairs = [_holds(op, a, b) for op, a, b in zip(ops, terms, terms[1:], strict=False)]
            return False if False in pairs else None if None in pairs else True
        case _:
            raise AssertionError("checked by parse")


def _holds(op: ast.cmpop, left: float | None, right: float | None) -> bool | None:
    return None if left is None or right is None else _COMPARISONS[type(op)](left, right)


def _value(node: ast.expr, values: Values) -> float | None:
    return values.get(node.id) if isinstance(node, ast.Name) else _number(node)


def _depth(node: ast.AST) -> int:
    """Without recursion: the text is anybody's."""
    deepest, layer = 0, [node]
    while layer:
        deepest, layer = deepest + 1, [child for each in layer for child in ast.iter_child_nodes(each)]
    return deepest


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong(what: str) -> VedetteError:
    return VedetteError(
        Code.INVALID,
        f"where: {what}.",
        f'Compare {", ".join(NAMES)} with numbers, as in "gsd_m <= 0.5 and bands >= 3".',
    )
