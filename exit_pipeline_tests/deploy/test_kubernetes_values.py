"""The values for Dagster's chart: only keys that it has, and the instance of dagster.yaml.

The keys are facts of the chart's values.schema.json at Dagster 1.13, whose objects refuse others.
"""

from typing import Any

import dagster as dg
import pytest
import yaml

from exit_pipeline_tests.deploy.files import ROOT, values

WORKLOAD = {
    "image", "env", "envConfigMaps", "envSecrets", "annotations", "nodeSelector", "affinity",
    "tolerations", "podSecurityContext", "securityContext", "resources", "livenessProbe",
    "readinessProbe", "startupProbe", "labels", "volumeMounts", "volumes", "schedulerName",
}  # fmt: skip
KEYS: dict[tuple[str, ...], set[str]] = {
    (): {
        "global", "rbacEnabled", "generatePostgresqlPasswordSecret", "generateCeleryConfigSecret",
        "postgresql", "dagster-user-deployments", "dagsterWebserver", "ingress", "dagsterDaemon",
        "runLauncher", "concurrency", "retention", "computeLogManager", "telemetry", "scheduler",
        "additionalInstanceConfig", "rabbitmq", "redis", "flower", "migrate", "busybox",
        "imagePullSecrets", "pythonLogs", "serviceAccount", "nameOverride", "fullnameOverride",
    },
    ("global",): {"postgresqlSecretName", "dagsterHome", "serviceAccountName",
        "celeryConfigSecretName", "dagsterInstanceConfigMap"},
    ("postgresql",): {"image", "enabled", "postgresqlHost", "postgresqlUsername",
        "postgresqlPassword", "postgresqlDatabase", "postgresqlParams", "postgresqlScheme",
        "service"},
    ("dagster-user-deployments",): {"enabled", "enableSubchart", "imagePullSecrets", "deployments"},
    ("dagsterWebserver",): WORKLOAD | {"replicaCount", "nameOverride", "pathPrefix", "service",
        "workspace", "deploymentLabels", "enableReadOnly", "dbStatementTimeout", "dbPoolRecycle",
        "logLevel"},
    ("dagsterDaemon",): WORKLOAD | {"enabled", "runCoordinator", "heartbeatTolerance",
        "deploymentLabels", "runMonitoring", "runRetries", "sensors", "schedules"},
    ("dagsterDaemon", "runCoordinator"): {"enabled", "type", "config"},
    ("dagsterDaemon", "runCoordinator", "config"): {"queuedRunCoordinator",
        "customRunCoordinator"},
    ("runLauncher",): {"type", "config"},
    ("runLauncher", "config"): {"celeryK8sRunLauncher", "k8sRunLauncher", "customRunLauncher"},
    ("concurrency",): {"enabled", "pools", "runs"},
    ("concurrency", "pools"): {"defaultLimit", "granularity", "opGranularityRunBuffer"},
    ("concurrency", "runs"): {"maxConcurrentRuns", "tagConcurrencyLimits"},
    ("retention",): {"enabled", "sensor", "schedule", "autoMaterialize"},
    ("computeLogManager",): {"type", "config"},
}  # fmt: skip
DEPLOYMENT = WORKLOAD | {"name", "port", "dagsterApiGrpcArgs", "codeServerArgs",
    "includeConfigInLaunchedRuns"}  # fmt: skip


@pytest.mark.parametrize("path", KEYS, ids=lambda path: ".".join(path) or "top")
def test_the_chart_has_every_key(path: tuple[str, ...]) -> None:
    found: Any = values()
    for name in path:
        found = found[name]
    assert found.keys() - KEYS[path] == set()


def test_the_chart_has_every_key_of_a_code_server() -> None:
    (one,) = values()["dagster-user-deployments"]["deployments"]
    assert one.keys() - DEPLOYMENT == set()


def of_the_chart() -> dict[str, Any]:
    """What the chart's templates write into the instance's dagster.yaml, storage left out."""
    daemon, concurrency = values()["dagsterDaemon"], values()["concurrency"]
    monitoring = daemon["runMonitoring"]
    kept = {kind: values()["retention"][kind]["purgeAfterDays"] for kind in ("schedule", "sensor")}
    return {
        "run_coordinator": daemon["runCoordinator"]["config"]["customRunCoordinator"],
        "concurrency": {
            "runs": {"tag_concurrency_limits": concurrency["runs"]["tagConcurrencyLimits"]},
            "pools": {
                "granularity": concurrency["pools"]["granularity"],
                "default_limit": concurrency["pools"]["defaultLimit"],
            },
        },
        "run_monitoring": {
            "enabled": monitoring["enabled"],
            "max_runtime_seconds": monitoring["maxRuntimeSeconds"],
            "start_timeout_seconds": monitoring["startTimeoutSeconds"],
            "poll_interval_seconds": monitoring["pollIntervalSeconds"],
            "free_slots_after_run_end_seconds": monitoring["freeSlotsAfterRunEndSeconds"],
        },
        "run_retries": daemon["runRetries"],
        # The chart's schema asks for a fourth kind, which dagster.yaml leaves out.
        "retention": {
            kind: {"purge_after_days": {one: days[one] for one in days if one != "started"}}
            for kind, days in kept.items()
        },
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": values()["computeLogManager"]["type"],
        },
        "telemetry": values()["telemetry"],
        **values()["additionalInstanceConfig"],
    }


def test_it_makes_the_same_instance_as_the_file_of_every_other_place() -> None:
    own = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    del own["storage"]
    assert of_the_chart() == own


def test_dagster_takes_what_the_chart_makes_of_it_and_runs_work_in_the_code_server() -> None:
    launcher = values()["runLauncher"]["config"]["customRunLauncher"]
    with dg.instance_for_test(overrides=of_the_chart() | {"run_launcher": launcher}) as instance:
        assert type(instance.run_launcher).__name__ == "DefaultRunLauncher"
        assert instance.run_monitoring_enabled


def test_its_storage_is_opened_by_the_driver_that_the_image_has() -> None:
    # A bare postgresql:// means psycopg 3 to SQLAlchemy from 2.1 on.
    assert values()["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
    assert values()["postgresql"]["postgresqlParams"]["sslmode"] in {"require", "verify-full"}
