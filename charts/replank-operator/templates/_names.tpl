{{- define "replank-operator.labels" -}}
app.kubernetes.io/name: replank-operator
{{- end -}}

{{- /* Rights in the namespaces of Clusters. The same list as in operator.yaml. */ -}}
{{- define "replank-operator.rules" -}}
- apiGroups: [cluster.x-k8s.io]
  resources: [clusters, machinedeployments]
  verbs: [get, list, watch]
- apiGroups: [cluster.x-k8s.io]
  resources: [machines]
  verbs: [get, list, watch, patch]
- apiGroups: [cluster.x-k8s.io]
  resources: [machines/status]
  verbs: [patch]
- apiGroups: [cluster.x-k8s.io]
  resources: [machinedrainrules]
  verbs: [list]
- apiGroups: [controlplane.cluster.x-k8s.io]
  resources: [kubeadmcontrolplanes]
  verbs: [get, list, watch]
- apiGroups: [replank.dev]
  resources: [clusterguards]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [infrastructure.cluster.x-k8s.io]
  resources: [openstackclusters]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{- /* Rights on what has no namespace. */ -}}
{{- define "replank-operator.clusterRules" -}}
- apiGroups: [infrastructure.cluster.x-k8s.io]
  resources: [openstackclusteridentities]
  verbs: [get]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- if not .Values.namespaces }}
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [list, watch]
{{- end }}
{{- end -}}
