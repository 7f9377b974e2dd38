{{/* Names and labels. */}}

{{- define "vedette.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of one part: (dict "root" $ "part" "api"). It never changes: selectors are immutable. */}}
{{- define "vedette.selector" -}}
app.kubernetes.io/name: vedette
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{/* Labels of an object of one part. */}}
{{- define "vedette.labels" -}}
{{ include "vedette.selector" . }}
app.kubernetes.io/part-of: vedette
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* name, namespace and labels: (dict "root" $ "part" "api" "name" "vedette-api"). */}}
{{- define "vedette.metadata" -}}
name: {{ .name | default (printf "%s-%s" (include "vedette.fullname" .root) .part) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "vedette.labels" . | nindent 2 }}
{{- end -}}

{{/* The name of a Service inside of the cluster: (dict "root" $ "part" "nats"). */}}
{{- define "vedette.host" -}}
{{ include "vedette.fullname" .root }}-{{ .part }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end -}}

{{- define "vedette.clientsSecret" -}}
{{ .Values.secrets.clients.existingSecret | default (printf "%s-clients" (include "vedette.fullname" .)) }}
{{- end -}}
{{- define "vedette.postgresSecret" -}}
{{ .Values.secrets.postgres.existingSecret | default (printf "%s-postgres" (include "vedette.fullname" .)) }}
{{- end -}}
{{- define "vedette.storeSecret" -}}
{{ .Values.secrets.objectStore.existingSecret | default (printf "%s-objectstore" (include "vedette.fullname" .)) }}
{{- end -}}
{{- define "vedette.natsSecret" -}}
{{ .Values.secrets.nats.existingSecret | default (printf "%s-nats" (include "vedette.fullname" .)) }}
{{- end -}}
{{- define "vedette.workerAccount" -}}
{{ include "vedette.fullname" . }}-worker
{{- end -}}
{{- define "vedette.webhookSecret" -}}
{{ include "vedette.fullname" . }}-webhook-certificates
{{- end -}}
