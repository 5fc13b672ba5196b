package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const asked = `{"at": "2026-01-01T00:00:00Z", "objects": {
  "KubeadmControlPlane/cp": {"apiVersion": "controlplane.cluster.x-k8s.io/v1beta2", "kind": "KubeadmControlPlane",
    "metadata": {"name": "cp", "uid": "1", "labels": {"cluster.x-k8s.io/cluster-name": "c"}},
    "spec": {"version": "v1.35.4", "machineTemplate": {"spec": {"infrastructureRef": {
        "apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "OpenStackMachineTemplate", "name": "cp"}}},
      "kubeadmConfigSpec": {"users": [{"name": "u", "passwd": "PLANTED"}]}}},
  "KubeadmConfig/m": {"apiVersion": "bootstrap.cluster.x-k8s.io/v1beta2", "kind": "KubeadmConfig",
    "metadata": {"name": "m"}, "spec": {"clusterConfiguration": {"featureGates": {"ControlPlaneKubeletLocalMode": true}},
      "joinConfiguration": {"controlPlane": {}}, "users": [{"name": "u", "passwd": "PLANTED"}]}},
  "OpenStackMachine/m": {"apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "OpenStackMachine",
    "metadata": {"name": "m", "annotations": {"cluster.x-k8s.io/cloned-from-name": "cp",
      "cluster.x-k8s.io/cloned-from-groupkind": "OpenStackMachineTemplate.infrastructure.cluster.x-k8s.io"}}},
  "Machine/m": {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine",
    "metadata": {"name": "m", "labels": {"cluster.x-k8s.io/cluster-name": "c", "cluster.x-k8s.io/control-plane": ""}},
    "spec": {"version": "v1.35.4", "bootstrap": {"configRef": {
        "apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "KubeadmConfig", "name": "m"}},
      "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "OpenStackMachine", "name": "m"}}}}}`

func judge(t *testing.T, question string) answer {
	t.Helper()
	out, told := bytes.Buffer{}, answer{}
	if err := run(strings.NewReader(question), &out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	return told
}

func TestKeepsWhatIsAlike(t *testing.T) {
	if told := judge(t, asked); len(told.Rolling) != 0 {
		t.Fatal(told)
	}
}

func TestNamesFieldsAndNoValues(t *testing.T) {
	for change, field := range map[string][2]string{
		"Users.Passwd":                      {`"PLANTED"}]}}},`, `"PLANTED2"}]}}},`},
		"ClusterConfiguration.FeatureGates": {`{"ControlPlaneKubeletLocalMode": true}`, `{}`},
		"rotated from":                      {`cloned-from-name": "cp"`, `cloned-from-name": "older"`},
		"is not equal to KCP version":       {`"spec": {"version": "v1.35.4", "bootstrap"`, `"spec": {"version": "v1.34.4", "bootstrap"`},
	} {
		told := judge(t, strings.Replace(asked, field[0], field[1], 1))
		if len(told.Rolling) != 1 || told.Rolling[0].Object != "Machine/m" || !strings.Contains(told.Rolling[0].Why, change) {
			t.Errorf("%s: %v", change, told)
		}
		if text, _ := json.Marshal(told); bytes.Contains(text, []byte("PLANTED")) {
			t.Errorf("%s shows a value: %s", change, text)
		}
	}
}

func TestRefusesAnotherVersionOfTheAPI(t *testing.T) {
	if err := run(strings.NewReader(strings.Replace(asked, "cluster.x-k8s.io/v1beta2\", \"kind\": \"Machine\"", "cluster.x-k8s.io/v1beta1\", \"kind\": \"Machine\"", 1)), &bytes.Buffer{}); err == nil {
		t.Fatal("it judged v1beta1")
	}
}
