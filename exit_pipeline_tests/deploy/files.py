"""The files of ``deploy``, and what they say: commands, variables, health checks."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted(DEPLOY.glob("kubernetes/[!v]*.yaml"))
INSTALLED = "/opt/exit-pipeline/"
"""Where a plain host has the checkout."""

VENV = f"{INSTALLED}.venv/bin/"


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
    for where, command in chain(_of_containers(), _of_units(), _of_pages()):
        yield from _of(where, command)


def _of_containers() -> Iterator[tuple[str, str | list[str] | None]]:
    for name, service in compose()["services"].items():
        yield f"compose {name}", service.get("command")
        yield f"compose {name} health", service.get("healthcheck", {}).get("test")
    for name, line in fly()["processes"].items():
        yield f"fly {name}", line
    yield "fly release", fly()["deploy"]["release_command"]
    for name, container in containers().items():
        yield f"kubernetes {name}", container.get("command")
    for line in re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.M):
        yield "Containerfile", yaml.safe_load(line)


def _of_units() -> Iterator[tuple[str, str]]:
    for path in UNITS:
        for key in ("ExecStart", "ExecStartPost"):
            for line in unit(path)["Service"].get(key, []):
                yield f"{path.name} {key}", line.replace(VENV, "").replace(INSTALLED, f"{ROOT}/")


def _of_pages() -> Iterator[tuple[str, str]]:
    for path in sorted(DEPLOY.glob("*.md")):
        for block in re.findall(r"^```sh.*?\n(.*?)^```$", path.read_text(), re.M | re.S):
            for line in block.splitlines():
                yield path.name, line


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
    yield from _named_in_text()
    for name, service in compose()["services"].items():
        yield from ((f"compose {name}", one) for one in service.get("environment", {}))
    yield from (("fly.toml", one) for one in fly()["env"])
    for name, container in containers().items():
        yield from ((f"kubernetes {name}", one["name"]) for one in container.get("env", []))
    for one in values()["dagster-user-deployments"]["deployments"]:
        yield from (("values.yaml", name) for name in one["env"])
    for path in UNITS:
        for line in unit(path)["Service"]["Environment"]:
            yield path.name, line.partition("=")[0]


def _named_in_text() -> Iterator[tuple[str, str]]:
    for name, pattern in {
        "Caddyfile": r"\{\$([A-Z_]+)",
        "postgres-init.sh": r"\$\{?([A-Z_]+)",
        "compose.yaml": r"\$\{([A-Z_]+)",
        "exit-pipeline.env.example": r"^([A-Z_]+)=",
        "Containerfile": r"^(?:ENV|   ) ([A-Z]+(?:_[A-Z]+)*)=\S+(?: \\)?$",
    }.items():
        text = (DEPLOY / name).read_text()
        yield from ((name, one) for one in re.findall(pattern, text, re.M))


def variables_of(page: Path, section: str) -> set[str]:
    """The variables in the first column of the table of a page's section."""
    text = page.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*?) \|", text, re.M)
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}
