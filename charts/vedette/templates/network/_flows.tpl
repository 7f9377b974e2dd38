{{/* Who begins a connection to whom: each line opens one side's egress and the other's ingress. `pods` are those of detectors and
     trainings, `kubernetes` is its API server. */}}
{{- define "vedette.flows" -}}
flows:
  - {from: [api, media, operator, pods, test], to: nats, port: 4222}
  - {from: [api, migrations], to: postgres, port: 5432}
  - {from: [api, media, operator, pods, model-cache, store-user, test], to: objectstore, port: 9000}
  - {from: [pods], to: model-cache, port: 8090}
  - {from: [test], to: api, port: 8080}
  - {from: [api, operator, test], to: kubernetes}
{{- end -}}

{{/* The parts that there are, by the values. */}}
{{- define "vedette.parts" -}}
parts:
  - api
  {{- if .Values.migrations.hook }}
  - migrations
  {{- end }}
  - media
  - nats
  - test
  - pods
  {{- if .Values.operator.enabled }}
  - operator
  {{- end }}
  {{- if .Values.modelCache.enabled }}
  - model-cache
  {{- end }}
  {{- if eq .Values.postgres.kind "internal" }}
  - postgres
  {{- end }}
  {{- if ne .Values.objectStore.kind "external" }}
  - objectstore
  {{- end }}
  {{- if eq .Values.objectStore.kind "minio" }}
  - store-user
  {{- end }}
{{- end -}}

{{/* A selector of a part's pods: (dict "root" $ "part" "pods"). */}}
{{- define "vedette.pods" -}}
{{- if eq .part "pods" -}}
matchExpressions:
  - {key: vedette.io/part, operator: In, values: [worker, engine, gates, trainer]}
{{- else -}}
matchLabels:
  {{- include "vedette.selector" . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* One rule of egress: (dict "root" $ "flow" flow). A server outside of the release is known by its networks. */}}
{{- define "vedette.egress" -}}
{{- $v := .root.Values -}}
{{- $outside := dict "cidrs" nil -}}
{{- if eq .flow.to "kubernetes" -}}
{{- $outside = dict "cidrs" $v.networkPolicy.kubernetes.cidrs "ports" $v.networkPolicy.kubernetes.ports -}}
{{- else if and (eq .flow.to "postgres") (eq $v.postgres.kind "external") -}}
{{- $outside = dict "cidrs" $v.postgres.external.cidrs "ports" (list $v.postgres.external.port) -}}
{{- else if and (eq .flow.to "objectstore") (eq $v.objectStore.kind "external") -}}
{{- $outside = dict "cidrs" $v.objectStore.external.cidrs "ports" (list $v.objectStore.external.port) -}}
{{- end -}}
- to:
  {{- if $outside.cidrs }}
    {{- range $outside.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    {{- range $outside.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- else }}
    - podSelector:
        {{- include "vedette.pods" (dict "root" .root "part" .flow.to) | nindent 8 }}
  ports:
    - {protocol: TCP, port: {{ .flow.port }}}
  {{- end }}
{{- end -}}

{{/* Rules by which others than our own pods come in: (dict "root" $ "part" "api"). */}}
{{- define "vedette.ingressOfOthers" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $open := dict "api" 8080 "objectstore" 9000 -}}
{{- $from := dict "api" $policy.api.from "objectstore" $policy.objectStore.from -}}
{{- if hasKey $open .part }}
- ports: [{protocol: TCP, port: {{ index $open .part }}}]
  {{- with index $from .part }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- if and (eq .part "operator") .root.Values.operator.webhook.enabled }}
# The API server asks; no selector finds it.
- ports: [{protocol: TCP, port: 9443}]
{{- end }}
{{- if and $policy.metrics.from (has .part (list "media" "operator" "model-cache" "pods")) }}
- ports: [{protocol: TCP, port: 9090}]
  from:
    {{- toYaml $policy.metrics.from | nindent 4 }}
{{- end }}
{{- end -}}
