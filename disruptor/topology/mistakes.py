"""What pydantic found wrong, said to a person: what was found, and what would be right.

A field's description completes "write …"; a validator's own ValueError is taken as it stands.
Unknown keys and unknown words are compared with what is known, to ask "did you mean".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from disruptor.topology.document import KeyPath, Mistake
from disruptor.topology.model import shown

_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}


def describe(invalid: ValidationError, model: type[BaseModel]) -> Iterator[Mistake]:
    """One Mistake for each error of ``invalid``, which came from validating ``model``."""
    for error in invalid.errors(include_url=False):
        name_is_wrong = bool(error["loc"]) and error["loc"][-1] == "[key]"
        key = error["loc"][:-1] if name_is_wrong else error["loc"]
        yield Mistake(key, _sentence(error, key, model, name_is_wrong))


def did_you_mean(found: object, known: Iterable[str]) -> str:
    """`` (did you mean "x"?)``, or nothing when no known word is near."""
    near = get_close_matches(str(found), list(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _sentence(error: Any, key: KeyPath, model: type[BaseModel], name_is_wrong: bool) -> str:
    kind = error["type"]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "extra_forbidden":
        return _unknown(key, model)
    wanted = _wanted(key, model, kind)
    if kind == "missing":
        return f"missing; write {wanted}" if wanted else "missing"
    if name_is_wrong:
        around = _annotation(key[:-1], model)[0]
        return f"found {shown(key[-1])}; write {_bare(get_args(around)[0])[1]}"
    found = f"found {shown(error['input'])}"
    words = _words(key, model)
    if words and isinstance(error["input"], str):
        return f"{found}; write {wanted}{did_you_mean(error['input'], words)}"
    return f"{found}; write {wanted or error['msg'].lower()}"


def _unknown(key: KeyPath, model: type[BaseModel]) -> str:
    around = _annotation(key[:-1], model)[0]
    known = list(around.model_fields) if _is_model(around) else []
    near = did_you_mean(key[-1], known)
    return f"unknown key{near}" if near else f"unknown key; known are {', '.join(known)}"


def _wanted(key: KeyPath, model: type[BaseModel], kind: str) -> str:
    description = _annotation(key, model)[1]
    return description or _KINDS.get(kind, "")


def _words(key: KeyPath, model: type[BaseModel]) -> list[str]:
    annotation = _annotation(key, model)[0]
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _annotation(key: KeyPath, model: Any) -> tuple[Any, str]:
    """The type at ``key`` under ``model``, and what its description says would be right."""
    current: Any = model
    wanted = ""
    for part in key:
        wanted = ""
        current = _bare(current)[0]
        if _is_model(current):
            field = current.model_fields.get(part)
            if field is None:
                return None, ""
            current, wanted = field.annotation, field.description or ""
            continue
        arguments = get_args(current)
        if not arguments:
            return None, ""
        current = arguments[1] if get_origin(current) is dict else arguments[0]
    bare, inner = _bare(current)
    return bare, wanted or inner


def _bare(annotation: Any) -> tuple[Any, str]:
    """An annotation without Annotated[…] and … | None, and the description found inside."""
    wanted = ""
    while True:
        metadata = getattr(annotation, "__metadata__", ())
        if metadata:
            for each in metadata:
                if isinstance(each, FieldInfo):
                    wanted = wanted or each.description or ""
            annotation = annotation.__origin__
            continue
        members = [each for each in get_args(annotation) if each is not type(None)]
        if type(None) in get_args(annotation) and len(members) == 1:
            annotation = members[0]
            continue
        return annotation, wanted
