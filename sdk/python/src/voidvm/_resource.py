"""What the generated methods are made of."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, cast
from urllib.parse import quote

from ._http import Http
from ._model import snake


class Resource:
    def __init__(self, http: Http) -> None:
        self._http = http


def segment(name: str) -> str:
    """An id or a name as a part of an address, from which it can't lead elsewhere."""
    if name in ("", ".", ".."):
        raise ValueError(f"{name!r} is neither an id nor a name")
    return quote(name, safe="")


def fields(
    kind: Any, body: Optional[Mapping[str, Any]], given: Mapping[str, Any]
) -> Dict[str, Any]:
    """A body from a dictionary, keyword arguments, or both. `kind` is its typed dictionary."""
    names = {snake(key): key for key in kind.__required_keys__ | kind.__optional_keys__}
    for name in given:
        if name not in names:
            raise TypeError(f"unexpected keyword argument {name!r}")
    return {**(body or {}), **{names[name]: value for name, value in given.items()}}


def nothing(data: Any) -> None:
    """What an answer without content holds."""


def json_object(data: Any) -> Dict[str, Any]:
    return cast(Dict[str, Any], data)
