"""Everything that is kept, in PostgreSQL: one store per module, over one connection pool."""
