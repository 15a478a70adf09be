-- depends: 0013_replays
-- Who may do what. The owner is the login that runs exit-pipeline migrate: everything is its own, so
-- it may change the schema, and needs to be nothing more, no superuser. Two roles without a login are
-- granted to others: exit_pipeline_app to the program, which writes what it has to, changes no schema
-- and no record; and exit_pipeline_read to people and dashboards.

-- What the program may do with a table beside reading it. A migration that adds a table adds a row
-- here; exit-pipeline migrate then grants it.
CREATE TABLE exit_pipeline_privileges (
    relation text PRIMARY KEY,
    app      text NOT NULL CHECK (app ~ '^((INSERT|UPDATE|DELETE)(, )?)*$')
);
INSERT INTO exit_pipeline_privileges (relation, app) VALUES
    -- records: written once
    ('refactored_decisions', 'INSERT'),
    ('shadow_decisions', 'INSERT'),
    ('policies', 'INSERT'),
    ('trades', 'INSERT'),
    ('closings', 'INSERT'),
    ('adapter_logs', 'INSERT'),
    ('paper.fills', 'INSERT'),
    ('paper.deposits', 'INSERT'),
    -- records that triggers write, and nobody else
    ('order_events', ''),
    ('trading_control_changes', ''),
    -- what goes on: triggers say how an order may change
    ('decision_runs', 'INSERT, UPDATE'),
    ('account_leases', 'INSERT, UPDATE'),
    ('alerts', 'INSERT, UPDATE'),
    ('notifications', 'INSERT, UPDATE'),
    ('orders', 'INSERT, UPDATE'),
    ('refactored_positions', 'INSERT, UPDATE'),
    ('exit_requests', 'INSERT, UPDATE'),
    ('trading_control', 'UPDATE'),
    ('held_gaps', 'INSERT, UPDATE, DELETE'),
    ('paper.positions', 'INSERT, UPDATE, DELETE'),
    ('paper.orders', 'INSERT, UPDATE'),
    ('paper.settlements', 'INSERT, UPDATE'),
    -- what is known of the market
    ('refactored_context_snapshots', 'INSERT'),
    ('refactored_gex_signals', 'INSERT'),
    ('daily_levels', 'INSERT, UPDATE'),
    ('open_interest', 'INSERT, UPDATE'),
    ('events', 'INSERT, UPDATE'),
    -- what can be made again
    ('replay_days', 'INSERT, DELETE'),
    ('decision_replays', 'INSERT, DELETE'),
    -- users' own, and the schema's
    ('refactored_signals', ''),
    ('exit_rules', ''),
    ('exit_pipeline_installation', ''),
    ('exit_pipeline_migrations', ''),
    ('exit_pipeline_privileges', '');

-- What works as the owner finds its tables where this migration does, and never among somebody's
-- temporary ones, which would come first if they were not named last.
CREATE FUNCTION exit_pipeline_as_owner(work regprocedure) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %s, pg_temp',
                   work, current_setting('search_path'));
END
$$;
-- The two triggers that write records do so as the owner, so that nobody else has to be able to.
SELECT exit_pipeline_as_owner('exit_pipeline_note_order()'),
       exit_pipeline_as_owner('exit_pipeline_note_control()');

-- Roles belong to the whole cluster: another database may have made them, or make them now, and
-- whoever migrates may not be allowed to. Then nothing is granted until somebody has.
CREATE FUNCTION exit_pipeline_make_roles() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['exit_pipeline_app', 'exit_pipeline_read'] LOOP
        IF to_regrole(role) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

-- Give the roles what they may, and take what they may no more; the sentences say what is missing.
CREATE FUNCTION exit_pipeline_grant_roles() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    role text;
    schema text;
    one record;
    ours text := (SELECT relnamespace::regnamespace FROM pg_class
                  WHERE oid = 'decision_runs'::regclass);
BEGIN
    PERFORM exit_pipeline_make_roles();
    FOREACH role IN ARRAY ARRAY['exit_pipeline_app', 'exit_pipeline_read'] LOOP
        IF to_regrole(role) IS NULL THEN
            RETURN NEXT format('CREATE ROLE %I NOLOGIN', role);
            CONTINUE;
        END IF;
        FOREACH schema IN ARRAY ARRAY[ours, 'paper'] LOOP
            EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', schema, role);
        END LOOP;
        FOR one IN
            SELECT to_regclass(relation) AS name, app FROM exit_pipeline_privileges
            WHERE to_regclass(relation) IS NOT NULL
        LOOP
            EXECUTE format('REVOKE ALL ON %s FROM %I', one.name, role);
            EXECUTE format('GRANT SELECT ON %s TO %I', one.name, role);
            IF role = 'exit_pipeline_app' AND one.app <> '' THEN
                EXECUTE format('GRANT %s ON %s TO %I', one.app, one.name, role);
            END IF;
        END LOOP;
    END LOOP;
    IF to_regrole('exit_pipeline_app') IS NOT NULL THEN
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO exit_pipeline_app', ours);
        RETURN QUERY SELECT exit_pipeline_grant_rest();
    END IF;
END
$$;

-- What the program needs beside tables: the one function that works as the owner (a later file has it),
-- and the schema of Dagster, which keeps its tables there itself.
CREATE FUNCTION exit_pipeline_grant_rest() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    IF to_regprocedure('exit_pipeline_link_runs(integer)') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION exit_pipeline_link_runs(integer) TO exit_pipeline_app;
    END IF;
    BEGIN
        IF to_regnamespace('dagster') IS NULL THEN
            CREATE SCHEMA dagster;
        END IF;
        GRANT ALL ON SCHEMA dagster TO exit_pipeline_app;
        GRANT ALL ON ALL TABLES IN SCHEMA dagster TO exit_pipeline_app;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA dagster TO exit_pipeline_app;
    EXCEPTION WHEN insufficient_privilege THEN
        -- It is somebody else's, such as the login's that Dagster itself connects with.
        RETURN NEXT 'GRANT ALL ON SCHEMA dagster TO exit_pipeline_app';
    END;
END
$$;
REVOKE ALL ON FUNCTION exit_pipeline_make_roles(), exit_pipeline_grant_roles(),
    exit_pipeline_grant_rest() FROM PUBLIC;
