{{/* The agent's variables. They win over its file, which may have come from anywhere. */}}
{{- define "fanout.agent.env" -}}
{{- $agent := .Values.agent }}
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: OPTIMIZELY_SERVER_HOST
  value: 0.0.0.0
- name: OPTIMIZELY_SERVER_ALLOWEDHOSTS
  value: {{ include "fanout.agent.allowedHosts" . | quote }}
- name: OPTIMIZELY_API_PORT
  value: '8080'
- name: FANOUT_ADMIN_HOST
  value: {{ ternary "0.0.0.0" "127.0.0.1" (eq (include "fanout.agent.adminOpen" .) "true") }}
- name: OPTIMIZELY_ADMIN_PORT
  value: '8088'
- name: OPTIMIZELY_WEBHOOK_PORT
  value: '8085'
{{- if $agent.config }}
- name: OPTIMIZELY_CONFIG_FILENAME
  value: /etc/datafile-fanout/config/config.yaml
{{- end }}
{{- if $agent.sdkKeysSecret.name }}
- name: OPTIMIZELY_SDKKEYS
  valueFrom:
    secretKeyRef:
      name: {{ $agent.sdkKeysSecret.name }}
      key: {{ $agent.sdkKeysSecret.key }}
{{- else if $agent.sdkKeys }}
- name: OPTIMIZELY_SDKKEYS
  value: {{ join "," $agent.sdkKeys | quote }}
{{- end }}
{{- if $agent.tls.existingSecret }}
- name: OPTIMIZELY_SERVER_CERTFILE
  value: /etc/datafile-fanout/tls/tls.crt
- name: OPTIMIZELY_SERVER_KEYFILE
  value: /etc/datafile-fanout/tls/tls.key
{{- end }}
{{- if ne $agent.workers nil }}
- name: AGENT_WORKERS
  value: {{ $agent.workers | quote }}
{{- end }}
- name: FANOUT_CACHE_DIR
  value: /var/cache/datafile-fanout
{{- with .Values.signing.publicKeys }}
- name: FANOUT_SIGNING_PUBLIC_KEYS
  value: {{ join "," . | quote }}
- name: FANOUT_SIGNATURES
  value: {{ $.Values.signing.signatures | quote }}
{{- end }}
{{- include "fanout.sharedEnv" (dict "root" $ "busSecret" $agent.busSecret "recordSecret" $agent.recordSecret) }}
{{- if .Values.receiver.enabled }}
# Agents hand webhooks that are still posted to them, as to the original, on to the receiver.
- name: FANOUT_RECEIVER_URL
  value: http://{{ include "fanout.receiver.fullname" . }}:{{ .Values.receiver.service.port }}/webhooks/optimizely
{{- end }}
{{- with $agent.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}
