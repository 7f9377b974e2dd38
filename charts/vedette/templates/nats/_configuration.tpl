{{/* As standalone mode writes it (appliance/standalone/services/nats.py), besides the port that probes ask. */}}
{{- define "vedette.natsConfiguration" -}}
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
server_name: "vedette"
pid_file: "/tmp/nats.pid"
jetstream { store_dir: "/data/jetstream", sync_interval: always, max_memory_store: 64MB }
authorization { users: [ { user: "vedette", password: $VEDETTE_NATS_PASSWORD } ] }
accounts { SYS: { users: [ { user: "watcher", password: $NATS_WATCHER_PASSWORD } ] } }
system_account: SYS
max_payload: 4MB
{{- end -}}
