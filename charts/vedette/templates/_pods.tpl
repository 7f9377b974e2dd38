{{/* What every pod and container of ours has. */}}

{{/* An image by its digest: (dict "root" $ "name" "api"). */}}
{{- define "vedette.image" -}}
{{- $image := index .root.Values.images .name -}}
{{- if not $image.digest -}}
{{- fail (printf "images.%s.digest is empty: give the digest of every image that runs. `make images` writes them: helm install ... -f build/images/values.yaml" .name) -}}
{{- end -}}
{{- $registry := .root.Values.global.imageRegistry -}}
{{- if $registry }}{{ trimSuffix "/" $registry }}/{{ end }}{{ $image.repository }}@{{ $image.digest }}
{{- end -}}

{{/* Name and image of a container, and what it may do: (dict "root" $ "part" "api" "image" "api" "values" .Values.api). */}}
{{- define "vedette.container" -}}
image: {{ include "vedette.image" (dict "root" .root "name" .image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- $always := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) }}
  {{- $always = mergeOverwrite $always (dict "runAsNonRoot" true "runAsUser" 10001 "runAsGroup" 10001) }}
  {{- toYaml (mergeOverwrite $always (deepCopy .values.securityContext)) | nindent 2 }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end -}}

{{/* Labels and annotations of pods: (dict "root" $ "part" "api" "values" .Values.api "annotations" (dict)). */}}
{{- define "vedette.podMetadata" -}}
labels:
  {{- include "vedette.labels" . | nindent 2 }}
{{- with merge (deepCopy .values.podAnnotations) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An annotation that changes with what the clients' Secret says besides secrets: pods read it once, when they start. */}}
{{- define "vedette.clientsSettings" -}}
{{- $secret := include "vedette.clientsSecret" . -}}
{{- $store := pick .Values.objectStore "kind" "publicEndpoint" "bucket" "region" -}}
vedette.io/clients: {{ list $secret $store .Values.clusterDomain | toJson | sha256sum | trunc 16 | quote }}
{{- end -}}

{{/* The part of a pod's spec before its containers: who it is, where it may run. `account`: a ServiceAccount; `token`: whether it
     gets a token of it. */}}
{{- define "vedette.podHead" -}}
serviceAccountName: {{ .account | default (include "vedette.workerAccount" .root) }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # A volume of many files is looked through only when it does not fit yet.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .values.affinity }}
affinity:
  {{- toYaml .values.affinity | nindent 2 }}
{{- else if hasKey .values "replicas" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "vedette.selector" . | nindent 14 }}
{{- end }}
{{- end -}}

{{/* Liveness, readiness and start by HTTP: (dict "port" "http" "live" "/healthz" "ready" "/readyz" "start" 60 seconds). */}}
{{- define "vedette.probes" -}}
startupProbe:
  httpGet: {path: {{ .live | quote }}, port: {{ .port }}}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: {{ div (.start | default 120) 2 }}
livenessProbe:
  httpGet: {path: {{ .live | quote }}, port: {{ .port }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: {{ .ready | quote }}, port: {{ .port }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}

{{/* The claim of a part that keeps data, below volumeClaimTemplates: its values' `persistence`. */}}
{{- define "vedette.claim" -}}
accessModes: [ReadWriteOnce]
{{- if eq .storageClassName "-" }}
storageClassName: ""
{{- else if .storageClassName }}
storageClassName: {{ .storageClassName }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end -}}

{{/* What a StatefulSet of one pod has besides its pod: (dict "root" $ "part" "nats" "values" .Values.nats). */}}
{{- define "vedette.claims" -}}
{{- if not .values.persistence.existingClaim }}
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "vedette.selector" . | nindent 8 }}
    spec:
      {{- include "vedette.claim" .values.persistence | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "vedette.budget" -}}
{{- if .root.Values.podDisruptionBudgets.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "vedette.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "vedette.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Type and port of a Service that people may reach: (dict "service" .Values.api.service "port" 8080). */}}
{{- define "vedette.servicePort" -}}
type: {{ .service.type }}
ports:
  - name: http
    port: {{ .port }}
    targetPort: http
    {{- if and (ne .service.type "ClusterIP") .service.nodePort }}
    nodePort: {{ .service.nodePort }}
    {{- end }}
{{- end -}}

{{- define "vedette.ingress" -}}
{{- with .values.ingress }}
{{- if .enabled }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "vedette.metadata" $ | nindent 2 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .tlsSecretName }}
  tls:
    - hosts: [{{ .host | quote }}]
      secretName: {{ .tlsSecretName }}
  {{- end }}
  rules:
    - host: {{ .host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ include "vedette.fullname" $.root }}-{{ $.part }}
                port: {name: http}
{{- end }}
{{- end }}
{{- end -}}
