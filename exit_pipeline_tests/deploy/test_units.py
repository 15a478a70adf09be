"""The units of a plain host: their order, what they may do and what they are given."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from exit_pipeline_tests.deploy.files import DEPLOY, UNITS, compose, unit


def test_on_a_host_everything_waits_for_the_migration() -> None:
    waits = {path.name: unit(path)["Unit"] for path in UNITS}
    first = "exit-pipeline-migrate.service"
    for name, section in waits.items():
        seen, asked = {name}, [name]
        while asked:
            for other in waits[asked.pop()].get("After", []):
                for one in set(other.split()) & waits.keys() - seen:
                    seen.add(one)
                    asked.append(one)
        assert first in seen, name
        if "Requires" in section:
            assert section["Requires"] == section["After"], name


def test_units_share_one_hardening() -> None:
    hardened = [path.read_text().partition("# What the process may do")[2] for path in UNITS]
    assert len(set(hardened)) == 1
    assert "NoNewPrivileges=yes" in hardened[0]
    assert "ProtectSystem=strict" in hardened[0]
    for path in UNITS:
        assert unit(path)["Service"]["User"] == ["exit-pipeline"]
        assert unit(path)["Service"]["EnvironmentFile"][0].startswith("/etc/exit-pipeline/")


def test_the_daemon_and_the_uis_of_a_host_hold_no_key_of_the_broker() -> None:
    for part in ("daemon", "ui", "ui-open"):
        service = unit(DEPLOY / "systemd" / f"exit-pipeline-{part}.service")["Service"]
        assert service["EnvironmentFile"] == ["/etc/exit-pipeline/dagster.env"]
    for part in ("daemon", "ui", "ui-open"):
        assert compose()["services"][part]["environment"].keys() == {"DAGSTER_POSTGRES_URL"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_itself_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    files = [path for path in (DEPLOY / "systemd").iterdir() if path.suffix != ".yaml"]
    for path in files:
        # The programs are not installed where a host has them.
        text = re.sub(
            r"^(ExecStart(?:Post)?=)/opt\S+", r"\1/bin/true", path.read_text(), flags=re.M
        )
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in files)],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stderr


def test_the_runbooks_units_are_there() -> None:
    text = (DEPLOY / "RUNBOOK.md").read_text() + (DEPLOY / "README.md").read_text()
    named = set(re.findall(r"\bexit-pipeline(?:-[a-z-]+)?\.(?:service|timer|target)\b", text))
    assert named
    assert named <= {path.name for path in (DEPLOY / "systemd").iterdir()}


def test_the_target_starts_every_part() -> None:
    wanted = " ".join(unit(DEPLOY / "systemd" / "exit-pipeline.target")["Unit"]["Wants"]).split()
    started = {path.name for path in (DEPLOY / "systemd").iterdir()} - {"workspace.yaml"}
    by_others = {
        "exit-pipeline.target",
        "exit-pipeline-migrate.service",
        "exit-pipeline-status.service",
        "exit-pipeline-backup.service",
    }
    assert set(wanted) == started - by_others
