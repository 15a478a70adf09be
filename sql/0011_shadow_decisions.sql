-- depends: 0010_context_and_policies
-- What other policies would have decided at the same ticks on the same inputs. Nothing sends them.

CREATE TABLE shadow_decisions (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id            uuid NOT NULL REFERENCES decision_runs (id),
    position_id       varchar(255) NOT NULL,
    name              text NOT NULL,
    decided_at        timestamptz NOT NULL,
    dry_run           boolean NOT NULL,
    policy_hash       text NOT NULL REFERENCES policies (hash),
    -- inputs of its own; every other input is that of the decision of the same run and position
    rule_hits         smallint[],
    gex_latched       boolean NOT NULL,
    -- results
    decision          text NOT NULL CHECK (decision IN ('EXIT', 'HOLD')),
    exit_reason       text,
    exit_action       text CHECK (exit_action IN ('PARTIAL', 'FULL')),
    exit_quantity     integer,
    urgency           text,
    fired_mask        bigint NOT NULL,
    evaluable_mask    bigint NOT NULL,
    gex_latched_after boolean NOT NULL,
    rule_hits_after   smallint[],
    created_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (run_id, position_id, name),
    CONSTRAINT shadow_decisions_exit_check
        CHECK ((decision = 'EXIT') = (coalesce(exit_quantity, 0) > 0))
);
-- What a policy remembers from tick to tick is read from its newest row.
CREATE INDEX shadow_decisions_newest ON shadow_decisions (position_id, name, decided_at DESC);
