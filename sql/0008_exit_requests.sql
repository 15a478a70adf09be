-- depends: 0007_order_protocol
-- What people ask for: positions closed whatever their rules say, by whom, why and until when.
CREATE TABLE exit_requests (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    position_id  varchar(255) NOT NULL REFERENCES refactored_positions (id),
    reason       text NOT NULL CONSTRAINT exit_requests_has_reason CHECK (btrim(reason) <> ''),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    -- The run that decided on it first. It stays due until its position is closed or it expires.
    consumed_by  uuid REFERENCES decision_runs (id),
    consumed_at  timestamptz,
    CONSTRAINT exit_requests_expires_later CHECK (expires_at > requested_at),
    CONSTRAINT exit_requests_consumed_by_a_run CHECK (
        (consumed_by IS NULL) = (consumed_at IS NULL))
);
CREATE INDEX exit_requests_by_position ON exit_requests (position_id, expires_at);
