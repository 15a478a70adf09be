-- depends: 0015_roles
-- A record can't be changed without its being seen: what is written once stays as it was written, and
-- each run that ends adds a link to one chain of hashes over all of it.

-- Written once, or never deleted. A users' own rows in these tables stay theirs.
CREATE TRIGGER refactored_decisions_append_only BEFORE UPDATE OR DELETE ON refactored_decisions
    FOR EACH ROW WHEN (OLD.run_id IS NOT NULL) EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER adapter_logs_append_only BEFORE UPDATE OR DELETE ON adapter_logs
    FOR EACH ROW WHEN (OLD.broker_call IS NOT NULL) EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER shadow_decisions_append_only BEFORE UPDATE OR DELETE ON shadow_decisions
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER policies_append_only BEFORE UPDATE OR DELETE ON policies
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER orders_not_deleted BEFORE DELETE ON orders
    FOR EACH ROW WHEN (OLD.attempt IS NOT NULL) EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER decision_runs_not_deleted BEFORE DELETE ON decision_runs
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER alerts_not_deleted BEFORE DELETE ON alerts
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();

-- One link for each run that has ended, in one chain for the whole database, so that one hash that a
-- person keeps elsewhere proves all of it. Runs that end at once wait for each other for as long as
-- a link takes, milliseconds.
CREATE TABLE audit_links (
    seq         bigint PRIMARY KEY,
    run_id      uuid NOT NULL REFERENCES decision_runs (id),
    -- of the run, by which the next link knows where to go on
    finished_at timestamptz NOT NULL,
    made_at     timestamptz NOT NULL,
    previous    bytea NOT NULL,
    link        bytea NOT NULL
);
CREATE INDEX audit_links_by_run ON audit_links (run_id, made_at);

-- The rows of a link, each with the SHA-256 of its canonical form, so that it can be said which row
-- is not what it was.
CREATE TABLE audit_members (
    kind   text NOT NULL,
    row_id text NOT NULL,
    seq    bigint NOT NULL REFERENCES audit_links (seq) DEFERRABLE INITIALLY DEFERRED,
    form   integer NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (kind, row_id)
);
CREATE INDEX audit_members_by_link ON audit_members (seq);

-- The columns that a row of each kind had when it was digested. A column that comes later makes a new
-- form, so that what is digested already stays as it is.
CREATE TABLE audit_forms (
    form    integer NOT NULL,
    kind    text NOT NULL,
    columns text[] NOT NULL,
    PRIMARY KEY (form, kind)
);

CREATE TABLE audit_start (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    at       timestamptz NOT NULL DEFAULT now()
);
INSERT INTO audit_start DEFAULT VALUES;

CREATE TRIGGER audit_links_append_only BEFORE UPDATE OR DELETE ON audit_links
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER audit_members_append_only BEFORE UPDATE OR DELETE ON audit_members
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER audit_forms_append_only BEFORE UPDATE OR DELETE ON audit_forms
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();
CREATE TRIGGER audit_start_append_only BEFORE UPDATE OR DELETE ON audit_start
    FOR EACH ROW EXECUTE FUNCTION exit_pipeline_append_only();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['refactored_decisions', 'adapter_logs', 'shadow_decisions',
                                'policies', 'orders', 'decision_runs', 'alerts', 'audit_links',
                                'audit_members', 'audit_forms', 'audit_start'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION exit_pipeline_append_only()',
                       name || '_not_truncated', name);
    END LOOP;
END
$$;

-- Canonical form of a row: a JSON object of its columns that are not NULL, those that its form knows,
-- in the order that jsonb keeps (by length of the name, then by its bytes), numbers with the decimals
-- of their column, floats in the fewest digits that tell them from every other, times as ISO 8601 in
-- UTC. It is made by the server under settings that the functions below set themselves, so neither
-- the client's time zone nor its driver has a say. Of alerts and runs only what never changes counts.
CREATE FUNCTION exit_pipeline_digest(whole jsonb, unknown text[]) RETURNS bytea
IMMUTABLE LANGUAGE sql AS $$
    SELECT sha256(convert_to(jsonb_strip_nulls(whole - unknown)::text, 'UTF8'))
$$;

-- The columns that rows of each kind have now.
CREATE FUNCTION exit_pipeline_audit_columns() RETURNS TABLE (kind text, columns text[])
STABLE LANGUAGE sql AS $$
    SELECT k.kind, coalesce(k.fixed, (
        SELECT array_agg(a.attname::text ORDER BY a.attname COLLATE "C") FROM pg_attribute a
        WHERE a.attrelid = k.relation::regclass AND a.attnum > 0 AND NOT a.attisdropped))
    FROM (VALUES
        ('alert', 'alerts', ARRAY['cause', 'id', 'raised_at', 'run_id', 'subject']),
        ('closing', 'closings', NULL),
        ('control', 'trading_control_changes', NULL),
        ('decision', 'refactored_decisions', NULL),
        ('event', 'order_events', NULL),
        ('fill', 'trades', NULL),
        ('run', 'decision_runs',
         ARRAY['account', 'dry_run', 'environment', 'id', 'mode', 'request_id', 'tick_at'])
    ) AS k (kind, relation, fixed)
$$;

-- Columns of a kind that a form doesn't know.
CREATE FUNCTION exit_pipeline_unknown_columns(of_form integer, of_kind text, relation regclass)
RETURNS text[] STABLE LANGUAGE sql AS $$
    SELECT coalesce(array_agg(a.attname::text), '{}') FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname::text <> ALL (SELECT unnest(f.columns) FROM audit_forms f
                                  WHERE (f.form, f.kind) = (of_form, of_kind))
$$;

-- The form of today; a new one where a column has come or gone.
CREATE FUNCTION exit_pipeline_audit_form() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    newest integer := (SELECT coalesce(max(form), 0) FROM audit_forms);
BEGIN
    PERFORM FROM exit_pipeline_audit_columns() now
    WHERE NOT EXISTS (SELECT FROM audit_forms f
                      WHERE (f.form, f.kind, f.columns) = (newest, now.kind, now.columns));
    IF FOUND THEN
        newest := newest + 1;
        INSERT INTO audit_forms SELECT newest, kind, columns FROM exit_pipeline_audit_columns();
    END IF;
    RETURN newest;
END
$$;

-- SHA-256 over lines: the previous link in hexadecimal digits, the number of this one, its run, when
-- the run had ended and when the link was made (UTC), and of each of its rows kind, key and digest,
-- by kind and key. The first link's previous one is the hash of the installation and the beginning.
CREATE FUNCTION exit_pipeline_link_hash(one audit_links) RETURNS bytea STABLE LANGUAGE sql AS $$
    SELECT sha256(convert_to(concat_ws(E'\n',
        encode(one.previous, 'hex'), one.seq, one.run_id,
        to_char(one.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        to_char(one.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        (SELECT string_agg(concat_ws(' ', m.kind, m.row_id, encode(m.digest, 'hex')), E'\n'
                           ORDER BY m.kind COLLATE "C", m.row_id COLLATE "C")
         FROM audit_members m WHERE m.seq = one.seq)), 'UTF8'))
$$;

CREATE FUNCTION exit_pipeline_first_link() RETURNS bytea STABLE LANGUAGE sql AS $$
    SELECT sha256(convert_to(concat_ws(E'\n', i.id,
        to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')), 'UTF8'))
    FROM exit_pipeline_installation i, audit_start s
$$;

-- Rows that belong to a run's link and to no other one yet: its own, and what was booked for its
-- account since the last link of that account, whoever booked it. A row is committed within minutes
-- of the time that it bears (a statement ends after 30 seconds), so ten of them are looked back.
CREATE FUNCTION exit_pipeline_link_rows(of_run uuid, of_form integer)
RETURNS TABLE (kind text, row_id text, digest bytea) STABLE LANGUAGE plpgsql AS $$
DECLARE
    r decision_runs := (SELECT d FROM decision_runs d WHERE d.id = of_run);
    since timestamptz := greatest((SELECT at FROM audit_start), (
        SELECT max(l.made_at) - interval '10 minutes'
        FROM audit_links l JOIN decision_runs d ON d.id = l.run_id
        WHERE (d.environment, d.account) = (r.environment, r.account) AND NOT d.dry_run));
BEGIN
    RETURN QUERY
    SELECT found.kind, found.row_id, found.digest FROM (
        SELECT 'run' AS kind, r.id::text AS row_id, exit_pipeline_digest(
            to_jsonb(r), exit_pipeline_unknown_columns(of_form, 'run', 'decision_runs')) AS digest
        UNION ALL
        SELECT 'decision', d.id, exit_pipeline_digest(to_jsonb(d), unknown.columns)
        FROM refactored_decisions d, exit_pipeline_unknown_columns(
            of_form, 'decision', 'refactored_decisions') AS unknown (columns)
        WHERE d.run_id = of_run
        UNION ALL
        SELECT 'alert', a.id::text, exit_pipeline_digest(to_jsonb(a), unknown.columns)
        FROM alerts a, exit_pipeline_unknown_columns(of_form, 'alert', 'alerts')
            AS unknown (columns)
        WHERE a.run_id = of_run
    ) found
    WHERE NOT EXISTS (SELECT FROM audit_members m
                      WHERE (m.kind, m.row_id) = (found.kind, found.row_id));
    IF r.dry_run THEN
        RETURN;  -- it books nothing, and another run may just now be booking
    END IF;
    RETURN QUERY
    SELECT found.kind, found.row_id, found.digest FROM (
        SELECT 'event' AS kind, e.seq::text AS row_id,
               exit_pipeline_digest(to_jsonb(e), unknown.columns) AS digest
        FROM order_events e JOIN orders o ON o.id = e.order_id,
             exit_pipeline_unknown_columns(of_form, 'event', 'order_events') AS unknown (columns)
        WHERE e.at >= since AND (o.environment, o.account) = (r.environment, r.account)
        UNION ALL
        SELECT 'fill', t.id::text, exit_pipeline_digest(to_jsonb(t), unknown.columns)
        FROM trades t JOIN orders o ON o.id = t.order_id,
             exit_pipeline_unknown_columns(of_form, 'fill', 'trades') AS unknown (columns)
        WHERE t.created_at >= since AND t.broker IS NOT NULL
          AND (o.environment, o.account) = (r.environment, r.account)
        UNION ALL
        SELECT 'closing', concat_ws(' ', c.broker, c.environment, c.evidence_id, c.first_contract),
               exit_pipeline_digest(to_jsonb(c), unknown.columns)
        FROM closings c JOIN refactored_positions p ON p.id = c.position_id,
             exit_pipeline_unknown_columns(of_form, 'closing', 'closings') AS unknown (columns)
        WHERE c.recorded_at >= since
          AND (p.environment, p.account) = (r.environment, r.account)
        UNION ALL
        SELECT 'control', s.seq::text, exit_pipeline_digest(to_jsonb(s), unknown.columns)
        FROM trading_control_changes s, exit_pipeline_unknown_columns(
            of_form, 'control', 'trading_control_changes') AS unknown (columns)
        WHERE s.changed_at >= since
        UNION ALL
        -- raised outside of any run, or by one that had its link already
        SELECT 'alert', a.id::text, exit_pipeline_digest(to_jsonb(a), unknown.columns)
        FROM alerts a, exit_pipeline_unknown_columns(of_form, 'alert', 'alerts')
            AS unknown (columns)
        WHERE a.raised_at >= since AND a.run_id IS DISTINCT FROM of_run
          AND (a.run_id IS NULL
               OR EXISTS (SELECT FROM audit_links l WHERE l.run_id = a.run_id))
    ) found
    WHERE NOT EXISTS (SELECT FROM audit_members m
                      WHERE (m.kind, m.row_id) = (found.kind, found.row_id));
END
$$;

-- Add a link for each run that has ended and has none since, at most so many, the oldest first;
-- returns how many. What one call leaves out, or fails to write, the next one adds.
CREATE FUNCTION exit_pipeline_link_runs(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    one audit_links;
    form integer;
    added integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('exit_pipeline_audit_trail', 0));
    form := exit_pipeline_audit_form();
    FOR one.run_id, one.finished_at IN
        SELECT d.id, d.finished_at FROM decision_runs d
        WHERE d.finished_at >= greatest((SELECT at FROM audit_start), (
                  SELECT max(l.finished_at) - interval '10 minutes' FROM audit_links l))
          AND d.status <> 'STARTED'
          AND NOT EXISTS (SELECT FROM audit_links l
                          WHERE l.run_id = d.id AND l.made_at >= d.finished_at)
        ORDER BY d.finished_at, d.id LIMIT most
    LOOP
        SELECT l.seq + 1, l.link INTO one.seq, one.previous
        FROM audit_links l ORDER BY l.seq DESC LIMIT 1;
        IF NOT FOUND THEN
            one.seq := 1;
            one.previous := exit_pipeline_first_link();
        END IF;
        one.made_at := clock_timestamp();
        INSERT INTO audit_members (kind, row_id, seq, form, digest)
            SELECT r.kind, r.row_id, one.seq, form, r.digest
            FROM exit_pipeline_link_rows(one.run_id, form) r;
        one.link := exit_pipeline_link_hash(one);
        INSERT INTO audit_links SELECT one.*;
        added := added + 1;
    END LOOP;
    RETURN added;
END
$$;

-- What doesn't fit in the links of these numbers. Of a link: it is missing, it does not follow the one
-- before it, or it is not the hash of its rows. Of a row: it is missing, altered, or was added to a
-- run that had ended.
CREATE FUNCTION exit_pipeline_audit_faults(first bigint, last bigint)
RETURNS TABLE (seq bigint, kind text, row_id text, fault text) STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT l.n, 'link', l.n::text, CASE WHEN l.is_missing THEN 'missing'
                                        WHEN l.previous <> l.before THEN 'not after the one before'
                                        ELSE 'not the hash of its rows' END
    FROM (
        SELECT n, own.seq IS NULL AS is_missing, own.previous, own.link,
               exit_pipeline_link_hash(own) AS hash,
               CASE WHEN n = 1 THEN exit_pipeline_first_link()
                    ELSE coalesce(earlier.link, own.previous) END AS before
        FROM generate_series(first, last) AS n
        LEFT JOIN audit_links own ON own.seq = n
        LEFT JOIN audit_links earlier ON earlier.seq = n - 1
    ) l
    WHERE l.is_missing OR l.previous <> l.before OR l.link <> l.hash;

    RETURN QUERY
    WITH unknown AS MATERIALIZED (
        SELECT f.form, f.kind, exit_pipeline_unknown_columns(f.form, f.kind, k.relation) AS columns
        FROM audit_forms f JOIN (VALUES
            ('alert', 'alerts'::regclass), ('closing', 'closings'),
            ('control', 'trading_control_changes'), ('decision', 'refactored_decisions'),
            ('event', 'order_events'), ('fill', 'trades'), ('run', 'decision_runs')
        ) AS k (kind, relation) ON k.kind = f.kind
    ), members AS (
        SELECT m.seq, m.kind, m.row_id, m.digest, u.columns
        FROM audit_members m JOIN unknown u ON (u.form, u.kind) = (m.form, m.kind)
        WHERE m.seq BETWEEN first AND last
    ), compared AS (
        SELECT m.*, exit_pipeline_digest(to_jsonb(d), m.columns) AS now
        FROM members m LEFT JOIN refactored_decisions d ON d.id = m.row_id WHERE m.kind = 'decision'
        UNION ALL
        SELECT m.*, exit_pipeline_digest(to_jsonb(e), m.columns)
        FROM members m LEFT JOIN order_events e ON e.seq::text = m.row_id WHERE m.kind = 'event'
        UNION ALL
        SELECT m.*, exit_pipeline_digest(to_jsonb(t), m.columns)
        FROM members m LEFT JOIN trades t ON t.id::text = m.row_id WHERE m.kind = 'fill'
        UNION ALL
        SELECT m.*, exit_pipeline_digest(to_jsonb(c), m.columns)
        FROM members m LEFT JOIN closings c ON concat_ws(
            ' ', c.broker, c.environment, c.evidence_id, c.first_contract) = m.row_id
        WHERE m.kind = 'closing'
        UNION ALL
        SELECT m.*, exit_pipeline_digest(to_jsonb(s), m.columns)
        FROM members m LEFT JOIN trading_control_changes s ON s.seq::text = m.row_id
        WHERE m.kind = 'control'
        UNION ALL
        SELECT m.*, exit_pipeline_digest(to_jsonb(a), m.columns)
        FROM members m LEFT JOIN alerts a ON a.id::text = m.row_id WHERE m.kind = 'alert'
        UNION ALL
        SELECT m.*, exit_pipeline_digest(to_jsonb(r), m.columns)
        FROM members m LEFT JOIN decision_runs r ON r.id::text = m.row_id WHERE m.kind = 'run'
    )
    SELECT c.seq, c.kind, c.row_id, CASE WHEN c.now IS NULL THEN 'missing' ELSE 'altered' END
    FROM compared c WHERE c.now IS DISTINCT FROM c.digest;

    RETURN QUERY
    SELECT max(l.seq), 'decision', d.id::text, 'added'
    FROM audit_links l JOIN decision_runs r ON r.id = l.run_id
    JOIN refactored_decisions d ON d.run_id = r.id
    WHERE l.seq BETWEEN first AND last AND l.made_at >= r.finished_at AND r.status <> 'STARTED'
      AND NOT EXISTS (SELECT FROM audit_members m
                      WHERE (m.kind, m.row_id) = ('decision', d.id::text))
    GROUP BY d.id;
END
$$;

-- What has no link and should have one: rows that are older than the last link of their account, and
-- runs that are older than the last link, by more than the ten minutes that are looked back.
CREATE FUNCTION exit_pipeline_unlinked()
RETURNS TABLE (kind text, row_id text) STABLE LANGUAGE sql AS $$
    WITH begun AS (SELECT at FROM audit_start), newest AS (
        SELECT d.environment, d.account, max(l.made_at) - interval '10 minutes' AS at
        FROM audit_links l JOIN decision_runs d ON d.id = l.run_id
        WHERE NOT d.dry_run GROUP BY d.environment, d.account
    ), found AS (
        SELECT 'event' AS kind, e.seq::text AS row_id
        FROM order_events e JOIN orders o ON o.id = e.order_id
        JOIN newest n ON (n.environment, n.account) = (o.environment, o.account)
        WHERE e.at >= (SELECT at FROM begun) AND e.at < n.at
        UNION ALL
        SELECT 'fill', t.id::text
        FROM trades t JOIN orders o ON o.id = t.order_id
        JOIN newest n ON (n.environment, n.account) = (o.environment, o.account)
        WHERE t.broker IS NOT NULL AND t.created_at >= (SELECT at FROM begun)
          AND t.created_at < n.at
        UNION ALL
        SELECT 'closing', concat_ws(' ', c.broker, c.environment, c.evidence_id, c.first_contract)
        FROM closings c JOIN refactored_positions p ON p.id = c.position_id
        JOIN newest n ON (n.environment, n.account) = (p.environment, p.account)
        WHERE c.recorded_at >= (SELECT at FROM begun) AND c.recorded_at < n.at
        UNION ALL
        SELECT 'control', s.seq::text FROM trading_control_changes s
        WHERE s.changed_at >= (SELECT at FROM begun)
          AND s.changed_at < (SELECT min(at) FROM newest)
        UNION ALL
        SELECT 'alert', a.id::text FROM alerts a
        WHERE a.raised_at >= (SELECT at FROM begun) AND a.raised_at < (SELECT min(at) FROM newest)
          AND (a.run_id IS NULL OR EXISTS (SELECT FROM audit_links l WHERE l.run_id = a.run_id))
        UNION ALL
        SELECT 'run', d.id::text FROM decision_runs d
        WHERE d.status <> 'STARTED' AND d.finished_at >= (SELECT at FROM begun)
          AND d.finished_at < (
              SELECT max(l.finished_at) - interval '10 minutes' FROM audit_links l)
    )
    SELECT f.kind, f.row_id FROM found f
    WHERE NOT EXISTS (SELECT FROM audit_members m
                      WHERE (m.kind, m.row_id) = (f.kind, f.row_id))
$$;

-- One rendering, whoever asks; and the links are made as the owner, so that nobody else can make one.
ALTER FUNCTION exit_pipeline_link_runs(integer) SET timezone = 'UTC';
ALTER FUNCTION exit_pipeline_link_runs(integer) SET intervalstyle = 'postgres';
ALTER FUNCTION exit_pipeline_link_runs(integer) SET extra_float_digits = 1;
ALTER FUNCTION exit_pipeline_audit_faults(bigint, bigint) SET timezone = 'UTC';
ALTER FUNCTION exit_pipeline_audit_faults(bigint, bigint) SET intervalstyle = 'postgres';
ALTER FUNCTION exit_pipeline_audit_faults(bigint, bigint) SET extra_float_digits = 1;
SELECT exit_pipeline_as_owner('exit_pipeline_link_runs(integer)');
REVOKE ALL ON FUNCTION exit_pipeline_link_runs(integer) FROM PUBLIC;

INSERT INTO exit_pipeline_privileges (relation, app) VALUES
    ('audit_links', ''), ('audit_members', ''), ('audit_forms', ''), ('audit_start', '');
