{{/* Names and blocks that several templates share. `component` is agent or receiver throughout. */}}

{{- define "fanout.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* 50 of the 63 characters that a label may have, so that a component's name still fits behind. */}}
{{- define "fanout.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "fanout.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fanout.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "fanout.agent.fullname" -}}{{ include "fanout.fullname" . }}-agent{{- end -}}
{{- define "fanout.receiver.fullname" -}}{{ include "fanout.fullname" . }}-receiver{{- end -}}

{{/* What a Service selects by: never changes over the life of a release. Takes (dict "root" $ "component" "agent"). */}}
{{- define "fanout.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fanout.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fanout.labels" -}}
{{ include "fanout.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: datafile-fanout
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Takes (dict "root" $ "image" .Values.agent.image). */}}
{{- define "fanout.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{- define "fanout.agent.serviceAccountName" -}}
{{- with .Values.agent.serviceAccount -}}
{{- if .create -}}{{ default (include "fanout.agent.fullname" $) .name }}{{- else -}}{{ default "default" .name }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fanout.receiver.serviceAccountName" -}}
{{- with .Values.receiver.serviceAccount -}}
{{- if .create -}}{{ default (include "fanout.receiver.fullname" $) .name }}{{- else -}}{{ default "default" .name }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether other hosts reach the admin port. Prometheus scrapes there. */}}
{{- define "fanout.agent.adminOpen" -}}
{{ or .Values.agent.admin.open .Values.agent.serviceMonitor.enabled }}
{{- end -}}

{{/* Names by which requests may call the agents: anything else is refused, as a page's attempt to reach inside. */}}
{{- define "fanout.agent.allowedHosts" -}}
{{- $service := include "fanout.agent.fullname" . -}}
{{- $names := list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) -}}
{{- $names = append $names (printf "%s.%s.svc.cluster.local" $service .Release.Namespace) -}}
{{- if eq (include "fanout.agent.adminOpen" .) "true" -}}
{{- $admin := printf "%s-admin" $service -}}
{{- $names = concat $names (list $admin (printf "%s.%s" $admin .Release.Namespace) (printf "%s.%s.svc" $admin .Release.Namespace)) -}}
{{- $names = append $names (printf "%s.%s.svc.cluster.local" $admin .Release.Namespace) -}}
{{- end -}}
{{- /* Prometheus calls pods by their address, port-forward by localhost. Probes need neither: health answers to any name. */ -}}
{{- $names = concat $names (list "localhost" "127.0.0.1" "$(POD_IP)") .Values.agent.allowedHosts -}}
{{- join "," $names -}}
{{- end -}}

{{/* Record and bus, as agents and receiver both read them. Takes (dict "root" $ "busSecret" … "recordSecret" …). */}}
{{- define "fanout.sharedEnv" -}}
{{- with .root.Values.record }}
{{- if .bucket }}
- name: FANOUT_BUCKET
  value: {{ .bucket | quote }}
- name: AWS_REGION
  value: {{ .region | quote }}
{{- end }}
{{- if .endpoint }}
- name: FANOUT_S3_ENDPOINT
  value: {{ .endpoint | quote }}
{{- end }}
{{- end }}
{{- if .recordSecret }}
{{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $.recordSecret }}
      key: {{ $name }}
{{- end }}
{{- end }}
{{- if .root.Values.bus.urls }}
- name: FANOUT_NATS_URL
  value: {{ join "," .root.Values.bus.urls | quote }}
{{- if .root.Values.bus.allowPlaintext }}
- name: FANOUT_NATS_PLAINTEXT
  value: allowed
{{- else if and .busSecret (contains "ws://" (join "," .root.Values.bus.urls)) }}
{{- fail "bus.urls has a ws:// server, to which the password of busSecret would go for all on the way to read: use wss://, or set bus.allowPlaintext where that network is trusted" }}
{{- end }}
{{- end }}
{{- if .busSecret }}
- name: FANOUT_NATS_USER
  valueFrom:
    secretKeyRef:
      name: {{ .busSecret }}
      key: user
- name: FANOUT_NATS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .busSecret }}
      key: password
{{- end }}
{{- if .root.Values.bus.caConfigMap.name }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/datafile-fanout/ca/{{ .root.Values.bus.caConfigMap.key }}
{{- end }}
{{- end -}}

{{/* A security context of the values without its fields that are null: where the cluster assigns them, as OpenShift does. */}}
{{- define "fanout.withoutNulls" -}}
{{- $kept := dict -}}
{{- range $name, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}{{- $_ := set $kept $name $value -}}{{- end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{/* Where pods go. Takes the values of a component. */}}
{{- define "fanout.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Over zones, then nodes; pods of one revision are counted by themselves, or a rollout would spread against the old ones. */}}
{{- define "fanout.spread" -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $.whenUnsatisfiable }}
  labelSelector:
    matchLabels:
      {{- include "fanout.selectorLabels" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}
