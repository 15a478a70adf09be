-- depends: 0004_paper_ledger
-- What a broker's account holds is imported as rows that are marked and decided, and never sent
-- until a person adopts them. All rows that are there already stay managed.

ALTER TABLE refactored_positions
    ADD COLUMN IF NOT EXISTS managed     boolean NOT NULL DEFAULT true,
    ADD COLUMN IF NOT EXISTS spread_leg  boolean NOT NULL DEFAULT false,
    -- When an import from the broker's account first saw it; null for what came another way.
    ADD COLUMN IF NOT EXISTS imported_at timestamptz;
ALTER TABLE refactored_positions
    ADD CONSTRAINT refactored_positions_unmanaged_is_never_reserved CHECK (
        managed OR reserved_quantity = 0);
