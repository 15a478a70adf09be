"""The only Dagster code: ops, job, schedule, sensor, resources and the instance's storage."""
