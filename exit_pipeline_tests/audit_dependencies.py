"""Asks pip-audit whether a pinned dependency has a known vulnerability.

pip-audit counts a package of which the service knows nothing as passed, and a service that can't be
reached ends it with a traceback. Here both are told as what they are: not audited.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

LOCKS: Final = ("requirements.lock", "requirements-dev.lock", "requirements-ui.lock")
SERVICES: Final = ("pypi", "osv")
"""Asked in turn, until one knows the packages; each has the advisories of the Python project."""

Ask = Callable[[str], tuple[str, str]]
"""Asks a service by its name: what pip-audit writes to stdout and to stderr."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What came of it.

    Attributes:
        vulnerable: A line for each known vulnerability.
        audited: How many packages the service knows.
        skipped: Names of packages of which it knows nothing, or all where none answered.
        why: Why nothing was audited; empty where something was.
    """

    vulnerable: Sequence[str] = ()
    audited: int = 0
    skipped: Sequence[str] = ()
    why: str = ""


def audit(ask: Ask) -> Audit:
    """Ask the services in turn."""
    reasons = []
    for service in SERVICES:
        out, err = ask(service)
        found = _read(out)
        if found is None:
            last = (err.strip().splitlines() or ["no answer"])[-1]
            reasons.append(f"{service} can't be reached ({last[:120]})")
        elif not found.audited:
            reasons.append(f"{service} knows none of {len(found.skipped)} packages")
        else:
            return found
    return Audit(why="; ".join(reasons))


def _read(out: str) -> Audit | None:
    try:
        packages: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError):
        return None
    known = [one for one in packages if "skip_reason" not in one]
    vulnerable = [
        f"{one['name']} {one['version']}: {vulnerability['id']}, fixed in "
        f"{' or '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for one in known
        for vulnerability in one["vulns"]
    ]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    return Audit(vulnerable=vulnerable, audited=len(known), skipped=skipped)


def told(found: Audit) -> tuple[str, int]:
    """What to print, and the status to exit with: 1 where a vulnerability is known."""
    if found.why:
        return f"DEPENDENCIES NOT AUDITED: {found.why}", 0
    lines = [*found.vulnerable, f"{found.audited} dependencies audited"]
    if found.skipped:
        lines.append(f"NOT AUDITED, since unknown: {', '.join(found.skipped)}")
    lines.append(f"{len(found.vulnerable) or 'no'} known vulnerabilities")
    return "\n".join(lines), int(bool(found.vulnerable))


def ask_service(service: str) -> tuple[str, str]:
    """Run pip-audit over the lock files, whose every version is pinned."""
    files = [part for lock in LOCKS for part in ("-r", lock)]
    command = [
        sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-f", "json",
        "--progress-spinner", "off", "-s", service, *files,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def main() -> int:
    """Audit, say what came of it, and return the status to exit with."""
    text, status = told(audit(ask_service))
    sys.stdout.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
