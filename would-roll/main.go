// Command replank-would-roll answers, with Cluster API's own code, which Machines its controllers would replace.
//
// stdin:  {"at": RFC 3339, "" = now, "objects": {"Kind/name": object, ...}}, the objects of one cluster
// stdout: {"by": "cluster-api v1.14.0", "rolling": [{"object": "Machine/x", "why": "..."}]}
// It exits with 1 and a message where it cannot judge. No answer holds a value of a KubeadmConfig: only the
// names of the fields that differ, since files, users and tokens are among them.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const upstream = "sigs.k8s.io/cluster-api"

type question struct {
	At      string                     `json:"at"`
	Objects map[string]json.RawMessage `json:"objects"`
}

// rolling is a Machine or MachineSet that would be replaced, or a MachineDeployment that would make new Machines.
type rolling struct {
	Object string `json:"object"`
	Why    string `json:"why"`
}

type answer struct {
	By      string    `json:"by"`
	Rolling []rolling `json:"rolling"`
}

func main() {
	if slices.Contains(os.Args[1:], "--version") {
		fmt.Println(version())
		return
	}
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	asked := question{}
	if json.NewDecoder(in).Decode(&asked) != nil {
		return errors.New("stdin holds no question in JSON")
	}
	at := metav1.Now()
	if asked.At != "" {
		parsed, err := time.Parse(time.RFC3339, asked.At)
		if err != nil {
			return fmt.Errorf("at: %w", err)
		}
		at = metav1.NewTime(parsed)
	}
	told, err := sorted(asked.Objects)
	if err != nil {
		return err
	}
	found, err := told.controlPlanes(at)
	if err != nil {
		return err
	}
	workers, err := told.deployments(at)
	if err != nil {
		return err
	}
	found = append(found, workers...)
	slices.SortFunc(found, func(a, b rolling) int { return strings.Compare(a.Object, b.Object) })
	return json.NewEncoder(out).Encode(answer{By: version(), Rolling: found})
}

// version is that of the module this program was built with.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == upstream {
				return "cluster-api " + module.Version
			}
		}
	}
	return "cluster-api unknown"
}

// keys of a map in order, so that the same question has the same answer.
func keys[V any](of map[string]V) []string {
	return slices.Sorted(maps.Keys(of))
}
