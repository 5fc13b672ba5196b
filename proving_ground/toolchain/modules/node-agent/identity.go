package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// uninitialized is k8s.io/cloud-provider/api.TaintExternalCloudProvider: the kubelet sets it with
// --cloud-provider=external, and a cloud controller removes it.
const uninitialized = "node.cloudprovider.kubernetes.io/uninitialized"

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// introduce gives the own Node its addresses, then its ProviderID without the taint.
func (a *agent) introduce(ctx context.Context, node *corev1.Node) error {
	if !internalIP(node).IsValid() {
		if err := a.setAddresses(ctx, node); err != nil {
			return fmt.Errorf("addresses: %w", err)
		}
	}
	changes := false
	if node.Spec.ProviderID == "" && !a.noProviderID {
		id, err := a.providerID()
		if err != nil {
			return err
		}
		node.Spec.ProviderID = id
		changes = true
	}
	isUninitialized := func(taint corev1.Taint) bool { return taint.Key == uninitialized }
	if slices.ContainsFunc(node.Spec.Taints, isUninitialized) {
		node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, isUninitialized)
		changes = true
	}
	if !changes {
		return nil
	}
	// The resource version goes along: a Node that somebody changed meanwhile is looked at again.
	if _, err := a.client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	log.Printf("node %s: providerID %q, initialized", node.Name, node.Spec.ProviderID)
	return nil
}

func (a *agent) setAddresses(ctx context.Context, node *corev1.Node) error {
	address, err := ownAddress()
	if err != nil {
		return err
	}
	addresses := []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: address},
		{Type: corev1.NodeHostName, Address: node.Name},
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"addresses": addresses}})
	if err != nil {
		return err
	}
	updated, err := a.client.CoreV1().Nodes().PatchStatus(ctx, node.Name, patch)
	if err != nil {
		return err
	}
	node.ResourceVersion = updated.ResourceVersion
	log.Printf("node %s: InternalIP %s", node.Name, address)
	return nil
}

// providerID is openstack:///UUID, or openstack://REGION/UUID (cloud-provider-openstack, pkg/openstack/instances.go).
func (a *agent) providerID() (string, error) {
	text, err := os.ReadFile(a.instanceID)
	if err != nil {
		return "", fmt.Errorf("the server's UUID is not known: %w", err)
	}
	id := strings.ToLower(strings.TrimSpace(string(text)))
	if !uuid.MatchString(id) {
		return "", fmt.Errorf("%s holds %q, not a server's UUID: was there a config drive?", a.instanceID, id)
	}
	return fmt.Sprintf("openstack://%s/%s", a.region, id), nil
}

// ownAddress is the source address of what leaves through the default route.
func ownAddress() (string, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return "", err
	}
	for _, route := range routes {
		if route.Gw == nil || route.Dst != nil && route.Dst.IP.String() != "0.0.0.0" {
			continue
		}
		link, err := netlink.LinkByIndex(route.LinkIndex)
		if err != nil {
			return "", err
		}
		addresses, err := netlink.AddrList(link, netlink.FAMILY_V4)
		if err != nil {
			return "", err
		}
		for _, address := range addresses {
			if address.Scope == int(netlink.SCOPE_UNIVERSE) {
				return address.IP.String(), nil
			}
		}
	}
	return "", fmt.Errorf("no default route with an address")
}
