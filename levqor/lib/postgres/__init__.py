"""The database engine of production (`ENGINE`): Django's own for PostgreSQL, for a process that must outlive an outage."""
