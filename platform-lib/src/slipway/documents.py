"""YAML documents of a fixed shape: typed, complete, and refusing what they do not know by name."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.errors import UsageError
from slipway.files import parse_yaml, read_yaml, replacing

_D = TypeVar("_D", bound="Document")
_T = TypeVar("_T")
# What a key holds, in few words: a few aliases of YAML write out as more than any memory takes.
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxstring, _SHORT.maxother = 3, 4, 200, 200
# A YAML list, kept as what cannot change.
Listed = Annotated[tuple[_T, ...], Field(strict=False)]


class Document(BaseModel):
    """A block of such a document: unknown keys are errors, strings are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def read(cls: type[_D], file: Path) -> _D:
        """Read ``file``.

        Raises:
            UsageError: when it is missing or is not such a document, naming each key that is wrong.
        """
        if not file.is_file():
            raise UsageError(f"{file} is missing.", f"Write it, with the keys {', '.join(cls.model_fields)}.")
        return cls._of(read_yaml(file), str(file))

    @classmethod
    def parse(cls: type[_D], content: bytes, source: str) -> _D:
        """Read what a file holds that is on no disk, as in a commit; ``source`` names it in messages.

        Raises:
            UsageError: when it is not such a document, naming each key that is wrong.
        """
        return cls._of(parse_yaml(content, source), source)

    @classmethod
    def _of(cls: type[_D], content: Any, source: str) -> _D:
        if not isinstance(content, dict):
            raise UsageError(
                f"{source} is no mapping of keys to values.", f"It has the keys {', '.join(cls.model_fields)}."
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            said = "; ".join(_complaint(dict(entry)) for entry in error.errors(include_url=False))
            raise UsageError(f"{source} is not valid: {said}.", "Mend these keys and run again.") from error

    def write(self, file: Path) -> None:
        """Write the document to ``file``, whole or not at all; equal documents give equal bytes."""
        with replacing(file) as staged:
            staged.write_text(yaml.safe_dump(self.model_dump(), sort_keys=False), encoding="utf-8")


def _complaint(entry: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"{key} is not a known key"
    if entry["type"] == "missing":
        return f"{key} is missing"
    said = str(entry["msg"]).removeprefix("Value error, ")
    if entry["type"] == "model_type":
        said = "it should be one mapping of keys to values"
    return f"{key} is {_SHORT.repr(entry['input'])}: {said[0].lower()}{said[1:]}" if key else said
