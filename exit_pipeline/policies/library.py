"""The named policies that are to be had: shipped ones and a user's own."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exit_pipeline.core.engine.compile_policy import compile_policy, foundation
from exit_pipeline.core.engine.policy import Policy, section_classes
from exit_pipeline.core.engine.policy_text import combine_policies
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import EXIT_RULES, PolicyLayer, PolicyLibrary
from exit_pipeline.policies.read_file import read_policy

SHIPPED: Final = "exit_pipeline/policies"
"""How the source of a shipped policy is named."""

_SUFFIX: Final = ".yaml"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@cache
def shipped_policies() -> PolicyLibrary:
    """The policies of this package."""
    found = {}
    for file in files(__package__).iterdir():
        if file.name.endswith(_SUFFIX):
            name = file.name.removesuffix(_SUFFIX)
            text = file.read_text(encoding="utf-8")
            found[name] = read_policy(name, text, f"{SHIPPED}/{file.name}")
    return _checked(found)


def load_policies(folder: Path | None) -> PolicyLibrary:
    """The shipped policies and those of a user's own folder.

    A file that can't be used keeps its name, with its fault: what names it is refused with that
    sentence, and everything else is decided as ever.

    Args:
        folder: With files ``NAME.yaml``; None for the shipped ones alone.

    Raises:
        InputError: There is no such folder, or a file has a name that no policy can have.
    """
    if folder is None:
        return shipped_policies()
    if not folder.is_dir():
        message = f"EXIT_POLICIES is {str(folder)!r}; expected a folder with files NAME.yaml"
        raise InputError(message)
    found = dict(shipped_policies())
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        found |= _of_file(path, found)
    return _checked(found)


def with_policy_file(path: Path, library: PolicyLibrary) -> PolicyLibrary:
    """A library with one file more, or with it anew where it is one of its files.

    Raises:
        InputError: As for ``load_policies``.
    """
    others = {name: one for name, one in library.items() if one.source != str(path.absolute())}
    return _checked(others | _of_file(path, others))


def refuse_faults(library: PolicyLibrary) -> None:
    """Refuse a library of which a policy can't be used.

    Raises:
        InputError: As its fault says: the sentence names the file, the field, the value and what
            was expected.
    """
    for layer in library.values():
        if layer.fault:
            raise InputError(layer.fault)


@cache
def parse_policy(text: str = "") -> Policy:
    """Read a policy from its name, its overrides, or both, with the shipped policies.

    Raises:
        InputError: A name, rule or threshold is not known, or a value is out of range.

    Example: ``parse_policy("stop_loss.percent=25")`` is the default with a stop at -25 %.
    """
    return combine_policies({"text": text}, shipped_policies())


def _of_file(path: Path, library: PolicyLibrary) -> dict[str, PolicyLayer]:
    name, source = path.stem, str(path.absolute())
    if not _NAME.fullmatch(name) or name in {*section_classes(), EXIT_RULES}:
        message = (
            f"{source}: {name!r} can't name a policy; expected small letters, digits and _, and "
            f"not a rule's name, nor quotes, prices or {EXIT_RULES}"
        )
        raise InputError(message)
    if name in library:
        message = f"{source}: there is a policy {name!r} in {library[name].source} already"
        raise InputError(message)
    try:
        return {name: read_policy(name, _text(path), source)}
    except InputError as error:
        return {name: PolicyLayer(origin=name, source=source, fault=str(error))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"{path.absolute()} can't be read: {error.strerror}"
        raise InputError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path.absolute()} is not a text in UTF-8"
        raise InputError(message) from error


def _checked(library: Mapping[str, PolicyLayer]) -> PolicyLibrary:
    """The library by name, in which what can't be compiled has its fault.

    The policies that others are based on come first, so that a fault is told of its own file.
    """
    found = dict(library)
    for name in sorted(found, key=lambda one: _depth(one, library)):
        found[name] = replace(found[name], fault=_fault(name, found))
    return MappingProxyType(dict(sorted(found.items())))


def _fault(name: str, library: PolicyLibrary) -> str:
    """Why a policy can't be used; empty where it can."""
    try:
        foundation(name, library)
    except InputError as error:
        return str(error)  # which names a file, be it of what the policy is based on
    try:
        compile_policy(name, [], library)
    except InputError as error:
        return f"{library[name].source}: {error}"
    return ""


def _depth(name: str, library: Mapping[str, PolicyLayer]) -> int:
    """How many policies one stands on; as many as there are where that goes in a circle."""
    depth, below = 0, library[name].based_on
    while below is not None and below in library and depth < len(library):
        depth, below = depth + 1, library[below].based_on
    return depth
