"""The only places that name minio, nats and structlog. Everything else speaks to these classes."""
