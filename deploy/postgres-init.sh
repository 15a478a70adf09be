#!/bin/sh
# Run once by the postgres image on an empty data folder: Dagster's own database and its owner, who
# can't see the project's. The image's POSTGRES_USER and POSTGRES_DB are the project's own.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$DAGSTER_DB_PASSWORD" \
	--username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE dagster LOGIN PASSWORD :'password';
CREATE DATABASE dagster OWNER dagster;
REVOKE CONNECT, TEMPORARY ON DATABASE dagster FROM PUBLIC;
SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SQL
