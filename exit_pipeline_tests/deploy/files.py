"""The files of ``deploy``, and what they say: commands, variables, health checks."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted(DEPLOY.glob("kubernetes/[!v]*.yaml"))
VENV = "/opt/exit-pipeline/.venv/bin/"

_VARIABLE = re.compile(r"\b(?:[A-Z][A-Z0-9]*_[A-Z0-9_]+|PORT|HOME|PATH|PGDATA)\b")


@cache
def compose() -> dict[str, Any]:
    """The compose file, with what it repeats by anchors in place."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


@cache
def fly() -> dict[str, Any]:
    """The configuration of Fly.io."""
    return tomllib.loads((DEPLOY / "fly.toml").read_text())


@cache
def values() -> dict[str, Any]:
    """The values for Dagster's chart."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    return found


@cache
def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    """The Kubernetes objects beside the chart, by kind and name."""
    found = {}
    for path in MANIFESTS:
        for one in yaml.safe_load_all(path.read_text()):
            found[one["kind"], one["metadata"]["name"]] = one
    return found


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """A systemd unit: the values of each key, by section; a key may be there several times."""

    class Many(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = RawConfigParser(dict_type=Many, strict=False, delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return {
        name: {key: value.split("\n") for key, value in parser[name].items()}
        for name in parser.sections()
    }


def containers() -> dict[str, dict[str, Any]]:
    """The containers of the manifests, by their name."""
    return {
        container["name"]: container
        for (kind, _), one in manifests().items()
        if kind in {"Deployment", "Job"}
        for container in one["spec"]["template"]["spec"]["containers"]
    }


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command that a file has run, as its words, with where it stands."""
    for name, service in compose()["services"].items():
        yield from _of(f"compose {name}", service.get("command"))
        yield from _of(f"compose {name} health", service.get("healthcheck", {}).get("test"))
    for name, line in fly()["processes"].items():
        yield from _of(f"fly {name}", line)
    yield from _of("fly release", fly()["deploy"]["release_command"])
    for name, container in containers().items():
        yield from _of(f"kubernetes {name}", container.get("command"))
    for path in UNITS:
        for key in ("ExecStart", "ExecStartPost"):
            for line in unit(path)["Service"].get(key, []):
                yield from _of(f"{path.name} {key}", line.replace(VENV, ""))
    for line in re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.M):
        yield from _of("Containerfile", yaml.safe_load(line))
    for path in sorted(DEPLOY.glob("*.md")):
        for block in re.findall(r"^```sh.*?\n(.*?)^```$", path.read_text(), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                yield from _of(path.name, line)


def _of(where: str, command: str | list[str] | None) -> Iterator[tuple[str, list[str]]]:
    """A command, or those of the shell that it starts."""
    if not command:
        return
    words = shlex.split(command, comments=True) if isinstance(command, str) else list(command)
    if words[:1] in (["CMD"], ["CMD-SHELL"]):
        words = words[1:]
    if [Path(word).name for word in words[:1]] == ["sh"] and words[1:2] == ["-c"]:
        for part in re.split(r"&&|;|\|\|", words[2]):
            yield from _of(where, part.strip().removeprefix("until ").removeprefix("do "))
    elif words:
        yield where, words


def variables() -> Iterator[tuple[str, str]]:
    """Every environment variable that a file sets or names, with where it stands."""
    for path in (DEPLOY / "Caddyfile", DEPLOY / "postgres-init.sh"):
        yield from ((path.name, one) for one in re.findall(r"\$\{?([A-Z_]+)", path.read_text()))
    for line in (DEPLOY / "exit-pipeline.env.example").read_text().splitlines():
        if line and not line.startswith("#"):
            yield "exit-pipeline.env.example", line.partition("=")[0]
    for name, service in compose()["services"].items():
        yield from ((f"compose {name}", one) for one in service.get("environment", {}))
    text = (DEPLOY / "compose.yaml").read_text()
    yield from (("compose.yaml", one) for one in re.findall(r"\$\{([A-Z_]+)", text))
    yield from (("fly.toml", one) for one in fly()["env"])
    for name, container in containers().items():
        yield from ((f"kubernetes {name}", one["name"]) for one in container.get("env", []))
    for one in values()["dagster-user-deployments"]["deployments"]:
        yield from (("values.yaml", name) for name in one["env"])
    for path in UNITS:
        for line in unit(path)["Service"].get("Environment", []):
            yield path.name, line.partition("=")[0]
    text = (DEPLOY / "Containerfile").read_text()
    for name in re.findall(r"([A-Z]+)=\S+ \\$|ENV ([A-Z]+)=", text, re.M):
        yield "Containerfile", name[0] or name[1]


def variables_of_the_tables(*, of: Path) -> set[str]:
    """The variables in the first columns of a page's tables."""
    rows = re.findall(r"^\| (`[^|]*?) \|", of.read_text(), re.M)
    return {name for row in rows for name in _VARIABLE.findall(row)}
