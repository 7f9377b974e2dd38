{{/* What the schema cannot say: values that do not go together. Included once, by secrets.yaml. */}}
{{- define "vedette.validate" -}}
{{- $v := .Values -}}
{{- if and (eq $v.objectStore.kind "external") (not $v.secrets.clients.existingSecret) -}}
{{- fail "objectStore.kind is external: put the store's address and keys into a Secret and name it in secrets.clients.existingSecret (docs/chart.md, \"A store of your own\")." -}}
{{- end -}}
{{- if and (eq $v.postgres.kind "external") (not $v.postgres.external.existingSecret) -}}
{{- fail "postgres.kind is external: put the database's address into a Secret and name it in postgres.external.existingSecret." -}}
{{- end -}}
{{- if and (eq $v.objectStore.kind "seaweedfs") $v.secrets.clients.existingSecret (not $v.secrets.objectStore.existingSecret) -}}
{{- fail "objectStore.kind is seaweedfs and secrets.clients.existingSecret is given: SeaweedFS must know the same keys, so give its files s3.json and security.toml in secrets.objectStore.existingSecret too." -}}
{{- end -}}
{{- range $part := list "api" "objectStore" -}}
{{- $ingress := (index $v $part).ingress -}}
{{- if and $ingress.enabled (not $ingress.host) -}}
{{- fail (printf "%s.ingress.enabled is true: give the host name in %s.ingress.host." $part $part) -}}
{{- end -}}
{{- end -}}
{{- $disk := dig "limits" "ephemeral-storage" "" $v.modelCache.resources -}}
{{- if and $v.modelCache.enabled $disk (lt (include "vedette.bytes" $disk | int64) (include "vedette.bytes" $v.modelCache.size | int64)) -}}
{{- fail (printf "modelCache.size is %s and the disk it may use is %s, so Kubernetes would evict it before it is full: raise modelCache.resources.limits.ephemeral-storage above modelCache.size." $v.modelCache.size $disk) -}}
{{- end -}}
{{- if and $v.operator.webhook.enabled (not $v.operator.enabled) -}}
{{- fail "operator.webhook.enabled is true and operator.enabled is false: nobody would answer. Turn the operator on, or the webhook off." -}}
{{- end -}}
{{- end -}}
