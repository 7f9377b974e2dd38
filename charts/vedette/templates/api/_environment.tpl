{{/* How the API and its migrations reach the database. The password comes from its Secret, whoever made it. */}}
{{- define "vedette.databaseEnvironment" -}}
{{- if eq .Values.postgres.kind "external" -}}
- name: VEDETTE_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ .Values.postgres.external.existingSecret }}, key: {{ .Values.postgres.external.key }}}
{{- else -}}
- name: POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ include "vedette.postgresSecret" . }}, key: {{ .Values.secrets.postgres.keys.password }}}
- name: VEDETTE_DATABASE_URL
  value: postgresql+psycopg://vedette:$(POSTGRES_PASSWORD)@{{ include "vedette.host" (dict "root" $ "part" "postgres") }}:5432/vedette
{{- end -}}
{{- end -}}
