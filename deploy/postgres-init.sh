#!/bin/sh
# Run once by the postgres image on an empty data folder: two databases, each with an owner who is
# no superuser and can't see the other's.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
	--set=own="$EXIT_DB_PASSWORD" --set=runs="$DAGSTER_DB_PASSWORD" \
	--username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE exit_pipeline LOGIN PASSWORD :'own';
CREATE ROLE dagster LOGIN PASSWORD :'runs';
CREATE DATABASE exit_pipeline OWNER exit_pipeline;
CREATE DATABASE dagster OWNER dagster;
REVOKE CONNECT, TEMPORARY ON DATABASE exit_pipeline, dagster FROM PUBLIC;
SQL
