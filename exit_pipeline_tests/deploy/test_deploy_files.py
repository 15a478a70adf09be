"""What the files of ``deploy`` say is true of the program: nothing in them can be run here."""

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from dagster._cli import create_dagster_cli
from dagster._daemon.cli import create_dagster_daemon_cli
from dagster_webserver.cli import create_dagster_webserver_cli

from exit_pipeline.cli import group
from exit_pipeline.web.app import OPERATIONS
from exit_pipeline_tests.deploy.files import (
    DEPLOY,
    MANIFESTS,
    ROOT,
    commands,
    compose,
    containers,
    fly,
    manifests,
    unit,
    values,
    variables,
    variables_of,
)

PROGRAMS: dict[str, click.Command] = {
    "exit-pipeline": group,
    "dagster": create_dagster_cli(),
    "dagster-daemon": create_dagster_daemon_cli(),
    "dagster-webserver": create_dagster_webserver_cli(),
}
OURS = [(where, words) for where, words in commands() if words[0] in PROGRAMS]
SETTINGS = variables_of(ROOT / "README.md", "Environment")
WEB = {operation.path for operation in OPERATIONS if operation.method == "GET"}
WEBSERVER = {"/server_info"}
"""What a webserver answers without reading anything, and so before any code server runs."""


@pytest.mark.parametrize(("where", "words"), OURS, ids=[f"{a}: {' '.join(b)}" for a, b in OURS])
def test_every_command_is_one_of_the_program_with_options_that_it_has(
    monkeypatch: pytest.MonkeyPatch, where: str, words: list[str]
) -> None:
    monkeypatch.chdir(DEPLOY)  # whose workspace.yaml is in the image's working folder
    program, *rest = words
    command, context = PROGRAMS[program], click.Context(PROGRAMS[program], info_name=where)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        found = command.get_command(context, name)
        assert found is not None, f"{program} has no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    # Parsing refuses an unknown option, a missing or superfluous argument and a wrong number.
    command.make_context(command.name, list(rest), parent=context.parent)


def test_each_kind_of_place_runs_every_part() -> None:
    for place in ("compose", "fly", "exit-pipeline-"):
        lines = {" ".join(words[:2]) for where, words in OURS if where.startswith(place)}
        assert {"exit-pipeline migrate", "dagster instance", "exit-pipeline serve"} <= lines, place
        assert "dagster-daemon run" in lines, place
        assert any(line.startswith("dagster-webserver") for line in lines), place


def test_every_variable_is_one_that_is_documented() -> None:
    of_places = variables_of(DEPLOY / "README.md", "The environment")
    named = {name for _, name in variables()}
    assert named - SETTINGS - of_places == set()
    assert of_places - named == set()


def test_every_documented_variable_of_the_program_is_one_that_it_reads() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "exit_pipeline").rglob("*.py"))
    assert {"DATABASE_URL", "API_AUTH_TOKEN", "PORT"} <= SETTINGS
    assert {name for name in SETTINGS if f'"{name}"' not in source} == set()


def test_compose_hands_on_every_setting_but_those_that_name_folders() -> None:
    of_serve = {"API_AUTH_TOKEN", "PORT"}
    folders = {
        "EXIT_PIPELINE_HOME", "EXIT_POLICIES", "EXIT_REPORTS", "EXIT_TAPE_DIR", "EXIT_TAPE_OUT",
    }  # fmt: skip
    given = compose()["services"]["code"]["environment"].keys()
    assert SETTINGS - of_serve - folders - given == set()


def test_what_must_be_set_has_no_default_in_compose_and_a_line_in_the_example() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    required = set(re.findall(r"\$\{([A-Z_]+):\?\}", text))
    assert required == {
        "POSTGRES_PASSWORD",
        "EXIT_DB_PASSWORD",
        "DAGSTER_DB_PASSWORD",
        "API_AUTH_TOKEN",
        "UI_USER",
        "UI_PASSWORD_HASH",
    }
    example = (DEPLOY / "exit-pipeline.env.example").read_text()
    assert all(f"\n{name}=" in example for name in required)


def checks() -> dict[str, tuple[str, set[str]]]:
    """Each health check over HTTP: its path, and the paths of what it asks."""
    found = {
        "fly serve": (fly()["http_service"]["checks"][0]["path"], WEB),
        "fly health": (fly()["checks"]["health"]["path"], WEB),
        "fly open UI": (fly()["services"][0]["http_checks"][0]["path"], WEBSERVER),
    }
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        found[f"kubernetes {kind}"] = (containers()["serve"][kind]["httpGet"]["path"], WEB)
    asked = re.compile(r"http://127\.0\.0\.1:[^/]+(/\w+(?:\.json)?)")
    for name in ("ui", "ui-open"):
        test = " ".join(compose()["services"][name]["healthcheck"]["test"])
        found[f"compose {name}"] = (asked.findall(test)[0], WEBSERVER)
    image = (DEPLOY / "Containerfile").read_text()
    found["image"] = (asked.findall(image)[0], WEB)
    return found


@pytest.mark.parametrize("where", checks())
def test_every_health_check_asks_for_a_path_that_is_there(where: str) -> None:
    path, paths = checks()[where]
    assert path in paths


@pytest.mark.parametrize(
    "where",
    [name for name in checks() if "health" not in name and "UI" not in name and "ui" not in name],
)
def test_no_late_tick_takes_the_service_away_that_people_halt_with(where: str) -> None:
    assert checks()[where][0] == "/openapi.json"


def test_in_compose_everything_waits_for_the_migration_and_that_for_the_database() -> None:
    services = compose()["services"]
    done = {"condition": "service_completed_successfully"}
    for name in ("code", "daemon", "ui", "ui-open", "serve"):
        assert services[name]["depends_on"]["migrate"] == done, name
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["migrate"]["restart"] == "no"


def test_on_fly_and_kubernetes_the_migration_is_a_step_of_its_own() -> None:
    assert "exit-pipeline migrate && dagster instance migrate" in fly()["deploy"]["release_command"]
    job = manifests()["Job", "exit-pipeline-migrate"]
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    text = (DEPLOY / "README.md").read_text()
    assert text.index("kubernetes/migrate.yaml") < text.index("helm upgrade --install")


def test_in_compose_the_writable_ui_is_reached_through_the_proxys_password_alone() -> None:
    services, networks = compose()["services"], compose()["networks"]
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]
    assert services["ui"]["networks"] == ["inside"]
    assert networks["inside"] == {"internal": True}
    assert "outside" in services["proxy"]["networks"]
    assert services["proxy"]["environment"]["UI_UPSTREAM"] == "ui:3000"
    assert services["proxy"]["environment"]["UI_OPEN_UPSTREAM"] == "ui-open:3000"


def sites() -> dict[str, str]:
    """The proxy's sites: what stands between their braces, by the variable of their name."""
    text = (DEPLOY / "Caddyfile").read_text()
    return dict(re.findall(r"^\{\$(\w+)\} \{\n(.*?)^\}", text, re.M | re.S))


def test_the_proxy_asks_for_a_password_before_the_writable_ui() -> None:
    assert sites().keys() == {"UI_HOST", "UI_OPEN_HOST", "API_HOST"}
    writable = sites().pop("UI_HOST")
    assert "basic_auth {\n\t\t{$UI_USER} {$UI_PASSWORD_HASH}" in writable
    for name, site in sites().items():
        assert ("UI_UPSTREAM" in site) is (name == "UI_HOST")


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed here")
@pytest.mark.parametrize("is_set", [True, False], ids=["a password", "none"])
def test_the_proxy_itself_takes_its_configuration_only_with_a_password(is_set: bool) -> None:
    environ = {"UI_HOST": "ui.localhost", "UI_OPEN_HOST": "open.localhost", "UI_USER": "desk"}
    environ |= {"API_HOST": "api.localhost", "UI_PASSWORD_HASH": "$2a$14$" + "a" * 53}
    if not is_set:
        environ["UI_PASSWORD_HASH"] = ""
    done = subprocess.run(
        ["caddy", "validate", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"],
        env=os.environ | environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized directive: basic_auth" in done.stderr:
        pytest.skip("caddy is older than 2.8, which named basic_auth so")
    assert (done.returncode == 0) is is_set, done.stderr


def test_the_open_ui_is_read_only_and_the_other_one_is_not_open() -> None:
    webservers = {where: words for where, words in OURS if words[0] == "dagster-webserver"}
    writable = {where for where, words in webservers.items() if "--read-only" not in words}
    assert writable == {"compose ui", "fly ui", "exit-pipeline-ui.service ExecStart"}
    assert len(webservers) == 2 * len(writable)
    assert values()["dagsterWebserver"]["enableReadOnly"] is True
    # On a host it listens on this machine alone, on Fly.io on the private network alone.
    host = dict(pairwise(webservers["exit-pipeline-ui.service ExecStart"]))
    assert host["--host"] == "127.0.0.1"
    assert dict(pairwise(webservers["fly ui"]))["--host"] == "fly-local-6pn"
    served = {name for one in fly()["services"] for name in one["processes"]}
    assert served | set(fly()["http_service"]["processes"]) == {"ui_open", "serve"}


def test_in_kubernetes_only_the_proxy_reaches_the_writable_ui() -> None:
    assert values()["ingress"]["enabled"] is False
    policy = manifests()["NetworkPolicy", "exit-pipeline-ui"]["spec"]
    assert policy["podSelector"]["matchLabels"]["component"] == "dagster-webserver"
    (rule,) = policy["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "proxy"


def test_there_is_exactly_one_daemon_everywhere() -> None:
    assert "replicas" not in compose()["services"]["daemon"].get("deploy", {})
    assert sum(words[:2] == ["dagster-daemon", "run"] for _, words in OURS) == 3
    assert "--ha=false" in (DEPLOY / "README.md").read_text()


def test_no_container_runs_as_root_or_writes_to_its_image() -> None:
    assert "\nUSER 10001:10001\n" in (DEPLOY / "Containerfile").read_text()
    for name, service in compose()["services"].items():
        if name == "postgres":
            continue
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    for name, container in containers().items():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["capabilities"]["drop"] == ["ALL"], name
        assert context["allowPrivilegeEscalation"] is False, name
    for part in (*values()["dagster-user-deployments"]["deployments"], values()["dagsterDaemon"]):
        assert part["podSecurityContext"]["runAsUser"] == 10001
        assert part["securityContext"]["readOnlyRootFilesystem"] is True


def test_what_runs_the_jobs_can_write_the_page_of_the_day() -> None:
    """Regression: `report_schedule` is on by default, and its folder lay in the read-only part of
    every place: a failed run and an alert after each close, and no page."""
    image = (DEPLOY / "Containerfile").read_text()
    pages = Path(re.findall(r"EXIT_REPORTS=(\S+)", image)[0])
    folder = str(pages.parent)
    assert f"--owner=10001 --group=10001 --mode=0700 {folder}\n" in image
    assert f"pages:{folder}" in compose()["services"]["code"]["volumes"]
    assert "pages" in compose()["volumes"]
    (code,) = values()["dagster-user-deployments"]["deployments"]
    mounted = {one["name"]: one["mountPath"] for one in code["volumeMounts"]}
    assert mounted["pages"] == folder
    assert {one["name"] for one in code["volumes"]} == mounted.keys()
    service = unit(DEPLOY / "systemd" / "exit-pipeline-code.service")["Service"]
    assert f"EXIT_REPORTS={pages}" in service["Environment"]
    assert f"/var/lib/{service['StateDirectory'][0]}" == folder


SECRETS = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY\b|DATABASE_URL|POSTGRES_URL|_ARM\b")


def test_no_secret_has_a_value_in_any_file() -> None:
    for name, service in compose()["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRETS.search(variable) and value is not None:
                assert re.search(r"\$\{\w+:\?\}", value), f"{name} {variable}"
    given: list[tuple[str, Any]] = list(fly()["env"].items())
    given += [(one["name"], one) for each in containers().values() for one in each.get("env", [])]
    assert [name for name, _ in given if SECRETS.search(name)] == []
    for line in (DEPLOY / "exit-pipeline.env.example").read_text().splitlines():
        name, _, value = line.partition("=")
        if SECRETS.search(name) and not line.startswith("#"):
            assert value == "''" or "PASSWORD@" in value, line


def test_the_build_sees_only_what_the_image_is_made_of() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    text = (DEPLOY / "Containerfile").read_text()
    copied = re.findall(r"^COPY ((?!--)[^\n]+)$", text, re.M)
    assert {source for line in copied for source in line.split()[:-1]} == let_in
    assert all((ROOT / name).exists() for name in let_in)
    assert "--require-hashes" in text
    assert "STOPSIGNAL SIGTERM" in text


def test_every_manifest_is_applied_by_the_page_that_explains_them() -> None:
    text = (DEPLOY / "README.md").read_text()
    assert [path.name for path in MANIFESTS if f"kubernetes/{path.name}" not in text] == []
