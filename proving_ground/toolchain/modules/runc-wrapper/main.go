// Command runc stands before the real runc in PATH, for machines on a host without CAP_SYS_RESOURCE.
//
// Without that capability the kernel refuses to lower oom_score_adj and to raise rlimits, and runc dies with
// "can't get final child's PID from pipe: EOF". Containers then get what the machine itself may have. Where the
// capability is there, runc is called as it came.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	realRunc           = "/usr/sbin/runc"
	sysResource        = "CAP_SYS_RESOURCE"
	sysResourceBit     = 24 // linux/capability.h
	unlimited          = ^uint64(0)
	exitWrapperFailure = 1
)

// rlimits of an OCI process that containerd and Docker set, by their names; numbers from asm-generic/resource.h.
var rlimits = map[string]int{
	"RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_RSS": 5,
	"RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10,
	"RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
}

func main() {
	if !canRaise() {
		if err := clampFile(os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "runc wrapper: %v\n", err)
			os.Exit(exitWrapperFailure)
		}
	}
	err := syscall.Exec(realRunc, append([]string{realRunc}, os.Args[1:]...), os.Environ())
	fmt.Fprintf(os.Stderr, "runc wrapper: %s: %v\n", realRunc, err)
	os.Exit(exitWrapperFailure)
}

// canRaise tells whether CAP_SYS_RESOURCE is in the bounding set.
func canRaise() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(status)) {
		if hex, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && set&(1<<sysResourceBit) != 0
		}
	}
	return false
}

// clampFile rewrites the file that the given runc command takes a process from; other commands take none.
func clampFile(arguments []string) error {
	for i, argument := range arguments {
		switch argument {
		case "create", "run", "restore":
			bundle := option(arguments[i+1:], "--bundle", "-b")
			return rewrite(filepath.Join(bundle, "config.json"), func(config map[string]any) {
				if process, ok := config["process"].(map[string]any); ok {
					clamp(process)
				}
			})
		case "exec":
			if file := option(arguments[i+1:], "--process", "-p"); file != "" {
				return rewrite(file, clamp)
			}
			return nil
		}
	}
	return nil
}

// option finds the value of `--name value` or `--name=value`.
func option(arguments []string, names ...string) string {
	for i, argument := range arguments {
		name, value, joined := strings.Cut(argument, "=")
		if !slices.Contains(names, name) {
			continue
		}
		if joined {
			return value
		}
		if i+1 < len(arguments) {
			return arguments[i+1]
		}
	}
	return ""
}

// clamp changes an OCI process (runtime-spec config.md, "process") to what this machine may grant.
func clamp(process map[string]any) {
	own := ownOOMScore()
	if score, ok := process["oomScoreAdj"].(json.Number); ok {
		if wanted, err := score.Int64(); err == nil && wanted < own {
			process["oomScoreAdj"] = own
		}
	}
	if sets, ok := process["capabilities"].(map[string]any); ok {
		for name, set := range sets {
			if list, ok := set.([]any); ok {
				sets[name] = slices.DeleteFunc(list, func(item any) bool { return item == sysResource })
			}
		}
	}
	limits, _ := process["rlimits"].([]any)
	for _, item := range limits {
		if limit, ok := item.(map[string]any); ok {
			clampLimit(limit)
		}
	}
}

func clampLimit(limit map[string]any) {
	name, _ := limit["type"].(string)
	number, known := rlimits[name]
	var own syscall.Rlimit
	if !known || syscall.Getrlimit(number, &own) != nil || own.Max == unlimited {
		return
	}
	for _, key := range []string{"hard", "soft"} {
		wanted, ok := limit[key].(json.Number)
		if !ok {
			continue
		}
		if value, err := strconv.ParseUint(wanted.String(), 10, 64); err != nil || value > own.Max {
			limit[key] = own.Max
		}
	}
}

func ownOOMScore() int64 {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return 0
	}
	score, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return score
}

// rewrite changes a JSON file in one step, with its mode. Numbers keep their digits.
func rewrite(path string, change func(map[string]any)) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	change(document)
	if content, err = json.Marshal(document); err != nil {
		return err
	}
	fresh := path + ".clamped"
	if err := os.WriteFile(fresh, content, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
