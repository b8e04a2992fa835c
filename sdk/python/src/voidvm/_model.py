"""Answers: dictionaries in the API's own spelling, whose keys are attributes in Python's.

`vm["hostId"]` and `vm.host_id` are the same. What stands inside of an answer is a model too. A
field that only a newer server knows is there as well, untyped.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    List,
    Mapping,
    Optional,
    Type,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

NONE = type(None)


class Model(Dict[str, Any]):
    __slots__ = ("_etag",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        hints = _hints(type(self))
        super().__init__({key: _convert(hints.get(key), value) for key, value in data.items()})

    @property
    def etag(self) -> Optional[str]:
        """The state that the answer shows, for `if_match`; None where it had none."""
        return self._etag if hasattr(self, "_etag") else None

    @etag.setter
    def etag(self, value: Optional[str]) -> None:
        self._etag = value

    if not TYPE_CHECKING:  # Or no misspelt attribute would be found out.

        def __getattr__(self, name: str) -> Any:
            key = camel(name)
            if key in self:
                return self[key]
            # The API may leave it out.
            if not name.startswith("_") and key in _hints(type(self)):
                return None
            raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *(snake(key) for key in self)]


def camel(name: str) -> str:
    """`host_id` → `hostId`. One that is a word of Python's has an underscore behind it."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name.rstrip("_"))


def snake(key: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", key)


@functools.lru_cache(maxsize=None)
def _hints(model: Type[Model]) -> Mapping[str, Any]:
    hints = get_type_hints(model, vars(sys.modules[model.__module__]))
    return {camel(name): hint for name, hint in hints.items()}


def _convert(hint: Any, value: Any) -> Any:
    if get_origin(hint) is Union:
        # The API has no choice between two kinds of objects: it is there, or null.
        hint = next(one for one in get_args(hint) if one is not NONE)
    if isinstance(value, Mapping):
        if isinstance(hint, type) and issubclass(hint, Model):
            return hint(value)
        if get_origin(hint) is dict:
            return {key: _convert(get_args(hint)[1], entry) for key, entry in value.items()}
    if isinstance(value, list) and get_origin(hint) is list:
        return [_convert(get_args(hint)[0], entry) for entry in value]
    return value
