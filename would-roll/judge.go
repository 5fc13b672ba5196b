package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	kcp "sigs.k8s.io/cluster-api/controlplane/kubeadm/pkg"
	"sigs.k8s.io/cluster-api/core/reconcilers/machinedeployment/mdutil"
)

// objects by name; those of other kinds by `Kind/name`.
type objects struct {
	controlPlane map[string]*controlplanev1.KubeadmControlPlane
	deployment   map[string]*clusterv1.MachineDeployment
	set          map[string]*clusterv1.MachineSet
	machine      map[string]*clusterv1.Machine
	config       map[string]*bootstrapv1.KubeadmConfig
	other        map[string]*unstructured.Unstructured
}

func sorted(raw map[string]json.RawMessage) (*objects, error) {
	told := &objects{
		controlPlane: map[string]*controlplanev1.KubeadmControlPlane{},
		deployment:   map[string]*clusterv1.MachineDeployment{},
		set:          map[string]*clusterv1.MachineSet{},
		machine:      map[string]*clusterv1.Machine{},
		config:       map[string]*bootstrapv1.KubeadmConfig{},
		other:        map[string]*unstructured.Unstructured{},
	}
	for _, key := range keys(raw) {
		kind, name, _ := strings.Cut(key, "/")
		var err error
		switch kind {
		case "KubeadmControlPlane":
			err = put(told.controlPlane, name, raw[key], controlplanev1.GroupVersion.String())
		case "MachineDeployment":
			err = put(told.deployment, name, raw[key], clusterv1.GroupVersion.String())
		case "MachineSet":
			err = put(told.set, name, raw[key], clusterv1.GroupVersion.String())
		case "Machine":
			err = put(told.machine, name, raw[key], clusterv1.GroupVersion.String())
		case "KubeadmConfig":
			err = put(told.config, name, raw[key], bootstrapv1.GroupVersion.String())
		default:
			err = put(told.other, key, raw[key], "")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return told, nil
}

func put[T any](into map[string]*T, name string, raw json.RawMessage, version string) error {
	meta := metav1.TypeMeta{}
	if json.Unmarshal(raw, &meta) != nil {
		return errors.New("it is no object")
	}
	if version != "" && meta.APIVersion != version {
		return fmt.Errorf("it is of %q, not of %s", meta.APIVersion, version)
	}
	into[name] = new(T)
	if err := json.Unmarshal(raw, into[name]); err != nil {
		// Not the error: those of tokens and times repeat the value.
		return fmt.Errorf("it cannot be decoded as %T", into[name])
	}
	return nil
}

// controlPlanes asks UpToDate about every Machine that the control plane owns or would adopt. Machines that are
// being deleted already are left out, as KCP leaves them out (ControlPlane.MachinesNeedingRollout).
func (o *objects) controlPlanes(at metav1.Time) ([]rolling, error) {
	found := []rolling{}
	for _, name := range keys(o.controlPlane) {
		plane := o.controlPlane[name]
		cluster := &clusterv1.Cluster{}
		cluster.Name, cluster.Namespace = plane.Labels[clusterv1.ClusterNameLabel], plane.Namespace
		infra, configs := o.referenced()
		for _, name := range keys(o.machine) {
			machine := o.machine[name]
			if !belongs(machine, plane, cluster.Name) || !machine.DeletionTimestamp.IsZero() {
				continue
			}
			same, result, err := kcp.UpToDate(context.Background(), &reader{objects: o}, cluster, machine, plane, &at, infra, configs)
			if err != nil {
				return nil, err
			}
			if !same {
				found = append(found, rolling{"Machine/" + name, why(result, configs[name] != nil)})
			}
		}
	}
	return found, nil
}

// belongs follows the KCP controller: Machines of the cluster with the control-plane label, owned by it or by
// nobody yet (adoptMachines).
func belongs(machine *clusterv1.Machine, plane *controlplanev1.KubeadmControlPlane, cluster string) bool {
	if _, labelled := machine.Labels[clusterv1.MachineControlPlaneLabel]; !labelled || (cluster != "" && machine.Labels[clusterv1.ClusterNameLabel] != cluster) {
		return false
	}
	return metav1.GetControllerOf(machine) == nil || metav1.IsControlledBy(machine, plane)
}

// referenced is what KCP reads before it compares: infrastructure and KubeadmConfig by the Machine's name.
func (o *objects) referenced() (map[string]*unstructured.Unstructured, map[string]*bootstrapv1.KubeadmConfig) {
	infra, configs := map[string]*unstructured.Unstructured{}, map[string]*bootstrapv1.KubeadmConfig{}
	for name, machine := range o.machine {
		ref := machine.Spec.InfrastructureRef
		if object, ok := o.other[ref.Kind+"/"+ref.Name]; ok {
			infra[name] = object
		}
		if config, ok := o.config[machine.Spec.Bootstrap.ConfigRef.Name]; ok && machine.Spec.Bootstrap.ConfigRef.IsDefined() {
			configs[name] = config
		}
	}
	return infra, configs
}

// why repeats upstream's messages, but for the diff of a KubeadmConfig, which shows values.
func why(result *kcp.UpToDateResult, compared bool) string {
	reasons := []string{}
	for _, message := range result.LogMessages {
		if _, _, isDiff := strings.Cut(message, "diff: "); isDiff && compared {
			message = "KubeadmConfig differs in " + strings.Join(paths(result), ", ")
		}
		reasons = append(reasons, message)
	}
	return strings.Join(reasons, "; ")
}

func paths(result *kcp.UpToDateResult) []string {
	desired, current := kcp.PrepareKubeadmConfigsForDiff(result.DesiredKubeadmConfig, result.CurrentKubeadmConfig, true)
	seen := &reporter{}
	cmp.Equal(&current.Spec, &desired.Spec, cmp.Reporter(seen))
	return seen.found
}

// reporter keeps where two values differ, and no value.
type reporter struct {
	path  cmp.Path
	found []string
}

func (r *reporter) PushStep(step cmp.PathStep) { r.path = append(r.path, step) }
func (r *reporter) PopStep()                   { r.path = r.path[:len(r.path)-1] }
func (r *reporter) Report(result cmp.Result) {
	if !result.Equal() {
		r.found = append(r.found, strings.TrimPrefix(r.path.String(), "."))
	}
}

// deployments finds the MachineSet that each MachineDeployment would keep; all others it scales down.
func (o *objects) deployments(at metav1.Time) ([]rolling, error) {
	found := []rolling{}
	for _, name := range keys(o.deployment) {
		deployment := o.deployment[name]
		selector, err := metav1.LabelSelectorAsSelector(&deployment.Spec.Selector)
		if err != nil || selector.Empty() {
			return nil, fmt.Errorf("MachineDeployment/%s: its selector cannot be used", name)
		}
		sets := []*clusterv1.MachineSet{}
		for _, key := range keys(o.set) {
			set := o.set[key]
			if owned := metav1.IsControlledBy(set, deployment); owned || (metav1.GetControllerOf(set) == nil && selector.Matches(labels.Set(set.Labels))) {
				sets = append(sets, set)
			}
		}
		kept, old, results, reason := mdutil.FindNewAndOldMachineSets(deployment, sets, at)
		if kept == nil && len(sets) == 0 {
			found = append(found, rolling{"MachineDeployment/" + name, reason})
		}
		for _, set := range old {
			if set.Spec.Replicas != nil && *set.Spec.Replicas == 0 {
				continue
			}
			messages := append(results[set.Name].LogMessages, reason)
			if kept != nil {
				messages = append(results[set.Name].LogMessages, "MachineSet "+kept.Name+" is the one that is kept")
			}
			found = append(found, rolling{"MachineSet/" + set.Name, strings.Trim(strings.Join(messages, "; "), "; ")})
		}
	}
	return found, nil
}
