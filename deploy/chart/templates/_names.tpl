{{/* Values given under `pilot` win over those of the same name at the top. */}}
{{- define "mizzen.values" -}}
{{- toYaml (mergeOverwrite (deepCopy (omit .Values "pilot")) (default dict .Values.pilot)) -}}
{{- end -}}

{{/* The name of everything: `istiod`, or `istiod-REVISION`. */}}
{{- define "mizzen.name" -}}
{{- if or (eq .Values.revision "") (eq .Values.revision "default") -}}istiod{{- else -}}istiod-{{ .Values.revision }}{{- end -}}
{{- end -}}

{{- define "mizzen.revision" -}}
{{- .Values.revision | default "default" -}}
{{- end -}}

{{/* The ConfigMap of the mesh config: `istio`, or `istio-REVISION`. */}}
{{- define "mizzen.meshName" -}}
{{- if or (eq .Values.revision "") (eq .Values.revision "default") -}}istio{{- else -}}istio-{{ .Values.revision }}{{- end -}}
{{- end -}}

{{/* What Pods are found by; never changed, because a Deployment's selector cannot be. */}}
{{- define "mizzen.selector" -}}
app: istiod
istio.io/rev: {{ include "mizzen.revision" . | quote }}
{{- end -}}

{{/* Labels of everything. Kiali and istioctl look for the first two. */}}
{{- define "mizzen.labels" -}}
{{ include "mizzen.selector" . }}
istio: pilot
app.kubernetes.io/name: istiod
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/part-of: istio
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}
