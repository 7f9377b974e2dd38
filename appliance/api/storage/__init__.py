"""The only place with SQL. Functions take a connection inside a transaction and give frozen values; they decide nothing."""
