"""What adapters of several kinds share: servers, files, ledgers and their protocols."""
