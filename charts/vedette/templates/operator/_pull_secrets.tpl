{{/* Names of the pull secrets as a JSON list. */}}
{{- define "vedette.pullSecretNames" -}}
{{- $names := list -}}
{{- range .Values.image.pullSecrets -}}{{- $names = append $names .name -}}{{- end -}}
{{- toJson $names -}}
{{- end -}}
