{{/* Names of the pull secrets as the operator reads them, with commas between. */}}
{{- define "vedette.pullSecretNames" -}}
{{- $names := list -}}
{{- range .Values.image.pullSecrets -}}{{- $names = append $names .name -}}{{- end -}}
{{- join "," $names -}}
{{- end -}}
