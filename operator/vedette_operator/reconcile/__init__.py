"""Pure decisions: (resource, observed, now) -> Plan, one file per policy. Knows neither Kubernetes' client nor kopf."""
