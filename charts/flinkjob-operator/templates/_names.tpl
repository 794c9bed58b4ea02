{{- /* Rendered by `make manifests` from scripts/manifests/chart.ts; edit there. */ -}}
{{- define "flinkjob.image" -}}
{{- with $.Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}
{{- define "flinkjob.configuration" -}}
{{- $settings := dict "jobs" (dict "image" (include "flinkjob.image" $)) -}}
{{- if $.Values.clusterWide -}}
{{- $_ := set $settings "watch" (dict "allNamespaces" true) -}}
{{- else if $.Values.namespaces -}}
{{- $_ := set $settings "watch" (dict "namespaces" $.Values.namespaces) -}}
{{- end -}}
{{- mergeOverwrite $settings (deepCopy $.Values.configuration) | toYaml -}}
{{- end -}}
