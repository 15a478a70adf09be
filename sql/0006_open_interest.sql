-- depends: 0005_holdings
-- Open interest of contracts, from a source that is asked once a day and not with each quote.

-- One row per contract and day of its figure. NULL is an answer too: the source was asked on that
-- session day and has none, so that it is not asked again on that day.
CREATE TABLE open_interest (
    symbol        text NOT NULL,
    as_of         date NOT NULL,
    open_interest bigint CHECK (open_interest >= 0),
    source        text NOT NULL,
    session_day   date NOT NULL,
    PRIMARY KEY (symbol, as_of)
);
CREATE INDEX open_interest_by_session_day ON open_interest (session_day, symbol);
