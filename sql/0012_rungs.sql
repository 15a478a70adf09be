-- depends: 0011_shadow_decisions
-- A decision may be executed in several attempts inside its tick, each one cancelled for the next.

ALTER TABLE orders ADD COLUMN IF NOT EXISTS rung smallint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD CONSTRAINT orders_rung_check CHECK (rung >= 0);
-- However often its run is begun anew, a decision has one order of each rung, and a run that begins
-- anew begins with rung 0, which is there then.
DROP INDEX orders_one_per_decision;
CREATE UNIQUE INDEX orders_one_per_decision ON orders (decision_id, rung)
    WHERE exit_action IS NOT NULL;
