package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
)

const (
	// ownRoutes marks our routes in the kernel, so that those of others are left alone (rtnetlink(7), RTPROT_*).
	ownRoutes = 99
	cniFile   = "10-ground.conflist"
	natName   = "NODE-AGENT"
	// cniVersion is the newest that dockershim of Kubernetes 1.23 reads (containernetworking/cni v0.8.1,
	// pkg/version/version.go); containerd reads it too.
	cniVersion = "0.4.0"
)

// connect makes the pod network of this Node and the ways to the others.
func (a *agent) connect(own *corev1.Node, all []*corev1.Node) error {
	if own.Spec.PodCIDR == "" {
		return fmt.Errorf("node %s has no podCIDR yet", own.Name)
	}
	local, err := netip.ParsePrefix(own.Spec.PodCIDR)
	if err != nil {
		return err
	}
	// Routes and NAT first: once the CNI configuration is there, pods start.
	others := routes(own, all)
	if err := syncRoutes(others); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	if err := a.syncRules(local, others); err != nil {
		return err
	}
	return a.writeCNI(local)
}

// routes is the wanted state: pod CIDR -> the Node that it is behind. All Nodes of a cluster share a subnet.
func routes(own *corev1.Node, all []*corev1.Node) map[netip.Prefix]netip.Addr {
	wanted := map[netip.Prefix]netip.Addr{}
	for _, node := range all {
		prefix, err := netip.ParsePrefix(node.Spec.PodCIDR)
		gateway := internalIP(node)
		if node.Name != own.Name && err == nil && gateway.IsValid() {
			wanted[prefix] = gateway
		}
	}
	return wanted
}

func syncRoutes(wanted map[netip.Prefix]netip.Addr) error {
	missing := maps.Clone(wanted)
	present, err := netlink.RouteListFiltered(
		netlink.FAMILY_V4, &netlink.Route{Protocol: ownRoutes}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for _, route := range present {
		destination, err := netip.ParsePrefix(route.Dst.String())
		if err != nil {
			return err
		}
		gateway, keep := wanted[destination]
		if keep && route.Gw.Equal(gateway.AsSlice()) {
			delete(missing, destination)
		} else if !keep {
			if err := netlink.RouteDel(&route); err != nil {
				return err
			}
			log.Printf("route to %s removed", destination)
		}
	}
	for destination, gateway := range missing {
		route := netlink.Route{
			Dst:      &net.IPNet{IP: destination.Addr().AsSlice(), Mask: net.CIDRMask(destination.Bits(), 32)},
			Gw:       gateway.AsSlice(),
			Protocol: ownRoutes,
		}
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("%s via %s: %w", destination, gateway, err)
		}
		log.Printf("route to %s via %s", destination, gateway)
	}
	return nil
}

// syncRules lets pods out under their Node's address, except to other pods, and lets them talk across Nodes where a
// Docker Engine on the Node has set the policy of FORWARD to DROP.
func (a *agent) syncRules(local netip.Prefix, others map[netip.Prefix]netip.Addr) error {
	rules := natChain(local, others)
	if rules == a.rules {
		return nil
	}
	if err := run("iptables-restore", rules, "--wait", "--noflush"); err != nil {
		return err
	}
	pods := local.String()
	for _, rule := range [][]string{
		{"nat", "POSTROUTING", "-s", pods, "-j", natName},
		{"filter", "FORWARD", "-s", pods, "-j", "ACCEPT"},
		{"filter", "FORWARD", "-d", pods, "-j", "ACCEPT"},
	} {
		if err := appendRule(rule[0], rule[1], rule[2:]); err != nil {
			return err
		}
	}
	a.rules = rules
	return nil
}

// natChain is our own chain, as iptables-restore reads it: naming a chain there empties it.
func natChain(local netip.Prefix, others map[netip.Prefix]netip.Addr) string {
	pods := append(slices.Collect(maps.Keys(others)), local)
	slices.SortFunc(pods, func(x, y netip.Prefix) int { return x.Addr().Compare(y.Addr()) })
	var text strings.Builder
	fmt.Fprintf(&text, "*nat\n:%s - [0:0]\n", natName)
	for _, prefix := range pods {
		fmt.Fprintf(&text, "-A %s -d %s -j RETURN\n", natName, prefix)
	}
	fmt.Fprintf(&text, "-A %s -d 224.0.0.0/4 -j RETURN\n-A %s -j MASQUERADE\nCOMMIT\n", natName, natName)
	return text.String()
}

func appendRule(table, chain string, rule []string) error {
	err := run("iptables", "", slices.Concat([]string{"--wait", "-t", table, "-C", chain}, rule)...)
	var absent *exec.ExitError
	if errors.As(err, &absent) && absent.ExitCode() == 1 {
		return run("iptables", "", slices.Concat([]string{"--wait", "-t", table, "-A", chain}, rule)...)
	}
	return err
}

func run(program, input string, arguments ...string) error {
	command := exec.Command(program, arguments...)
	command.Stdin = strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w: %s", program, arguments, err, bytes.TrimSpace(output))
	}
	return nil
}

// writeCNI says how pods of this Node get their interface. Written in one step: the runtime watches the folder.
func (a *agent) writeCNI(local netip.Prefix) error {
	type object = map[string]any
	content, err := json.MarshalIndent(object{
		"cniVersion": cniVersion,
		"name":       "ground",
		"plugins": []object{
			{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
				"ipam": object{
					"type":   "host-local",
					"ranges": [][]object{{{"subnet": local.String()}}},
					"routes": []object{{"dst": "0.0.0.0/0"}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(a.cniFolder, cniFile)
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
		return nil
	}
	fresh := filepath.Join(a.cniFolder, "."+cniFile+".new")
	if err := os.WriteFile(fresh, content, 0o644); err != nil {
		return err
	}
	log.Printf("pods of this node get addresses of %s", local)
	return os.Rename(fresh, path)
}
