"""Read one policy from the text of a YAML file."""

from collections.abc import Hashable, Mapping
from typing import Any, Final

import yaml

from exit_pipeline.core.engine.policy import LIMITS, rule_classes
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import DEFAULT, PolicyLayer

_PARTS: Final = ("description", "based_on", "rules", *LIMITS)


def read_policy(name: str, text: str, source: str) -> PolicyLayer:
    """What a file states, as it is written there.

    Whether a threshold exists and its value fits is told when the policy is compiled.

    Args:
        name: The policy's name.
        text: The file's content.
        source: How sentences name the file.

    Raises:
        InputError: The file is no YAML, says something twice, or is not of the form that the
            package describes; the sentence names file, field, value and what was expected.
    """
    stated = _mapping(_load(text, source), "the file", source)
    _refuse_unknown(stated, "the file", _PARTS, source)
    rules = _mapping(stated.get("rules") or {}, "rules", source)
    _refuse_unknown(rules, "rules", list(rule_classes()), source)
    sections = {section: stated[section] for section in LIMITS if section in stated}
    switches = {rule: said != "off" for rule, said in rules.items()}
    sections |= {rule: said for rule, said in rules.items() if said not in ("on", "off")}
    based_on = _text(stated.get("based_on") or DEFAULT, "based_on", source)
    return PolicyLayer(
        origin=name,
        based_on=None if name == DEFAULT else based_on,
        description=_text(stated.get("description", ""), "description", source),
        source=source,
        switches=switches,
        values=_values(sections, source),
    )


def _values(sections: Mapping[str, Any], source: str) -> dict[str, str]:
    """Thresholds by ``SECTION.THRESHOLD``, as they are written."""
    values = {}
    for section, said in sections.items():
        expected = "thresholds" if section in LIMITS else "on, off or thresholds"
        for threshold, value in _mapping(said, section, source, expected).items():
            key = f"{section}.{threshold}"
            values[key] = _text(value, key, source)
    return values


def _text(value: Any, key: str, source: str) -> str:
    if not isinstance(value, str):
        message = f"{source}: {key} is {value!r}; expected a single value"
        raise InputError(message)
    return " ".join(value.split())


def _mapping(value: Any, key: str, source: str, expected: str = "names with values") -> Any:
    if not isinstance(value, dict):
        message = f"{source}: {key} is {value!r}; expected {expected}"
        raise InputError(message)
    return value


def _refuse_unknown(stated: Any, where: str, known: Any, source: str) -> None:
    for key in stated:
        if key not in known:
            message = f"{source}: {where} has {key!r}; expected one of {', '.join(known)}"
            raise InputError(message)


class _Loader(yaml.BaseLoader):
    """Plain YAML whose scalars stay as they are written, and whose names are each said once.

    YAML's numbers would lose what a person wrote: of ``+30`` the sign, which a stop refuses.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 as the base class has it
        """The mapping, unless a name is in it twice, of which YAML would take the last."""
        seen = set()
        for key, _ in node.value:
            message = ""
            if not isinstance(key, yaml.ScalarNode):
                message = "a list or a mapping stands for a name; expected a word"
            elif key.value in seen:
                message = f"{key.value!r} is there twice; expected each name once"
            if message:
                raise yaml.MarkedYAMLError(problem=message, problem_mark=key.start_mark)
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


def _load(text: str, source: str) -> Any:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data() or {}
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(_sentence(error, source)) from error


def _sentence(error: Exception, source: str) -> str:
    problem = getattr(error, "problem", None) or "it is no YAML"
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    return f"{source}{line}: {' '.join(str(problem).split())}"
