// Command crictl stands in for cri-tools' program of that name, which our registries do not serve. It speaks the real
// CRI (runtime.v1), and prints JSON of the same form for the commands that a runtime swap uses, and no others.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const usage = `usage: crictl [--runtime-endpoint unix:///PATH] COMMAND
  info            status of the runtime
  pods -o json    pod sandboxes
  ps [-a] -o json containers, running ones unless -a
  inspect ID      one container
  images -o json  images
  stopp ID...     stop pod sandboxes
  stop [--timeout SECONDS] ID...
                  stop containers; after so long (0) they are killed
  version         of the runtime`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	global := flag.NewFlagSet("crictl", flag.ContinueOnError)
	endpoint := global.String("runtime-endpoint", configured(), "unix:///PATH of the runtime's socket")
	timeout := global.Duration("timeout", 20*time.Second, "for one call")
	if err := global.Parse(arguments); err != nil {
		return err
	}
	rest := global.Args()
	if len(rest) == 0 {
		return errors.New(usage)
	}
	if *endpoint == "" {
		return errors.New("no endpoint: give --runtime-endpoint, or write runtime-endpoint into /etc/crictl.yaml")
	}
	connection, err := grpc.NewClient(*endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	return (&client{ctx: ctx, timeout: *timeout, runtime: cri.NewRuntimeServiceClient(connection), images: cri.NewImageServiceClient(connection)}).
		do(rest[0], rest[1:])
}

// configured is the endpoint in /etc/crictl.yaml, "" where there is none.
func configured() string {
	content, err := os.ReadFile("/etc/crictl.yaml")
	if err != nil {
		return ""
	}
	for _, line := range strings.Split(string(content), "\n") {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "runtime-endpoint:"); found {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}

type client struct {
	ctx     context.Context
	timeout time.Duration
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
}

func (c *client) do(command string, arguments []string) error {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	all := flags.Bool("a", false, "all, not only running ones")
	form := flags.String("o", "json", "output; only json")
	grace := flags.Int64("timeout", 0, "seconds until a container is killed")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *form != "json" {
		return fmt.Errorf("-o %s is not served, only json", *form)
	}
	switch command {
	case "info":
		return c.info()
	case "version":
		return show(c.runtime.Version(c.ctx, &cri.VersionRequest{}))
	case "pods":
		return show(c.runtime.ListPodSandbox(c.ctx, &cri.ListPodSandboxRequest{}))
	case "ps":
		return show(c.runtime.ListContainers(c.ctx, &cri.ListContainersRequest{Filter: running(*all)}))
	case "images":
		return show(c.images.ListImages(c.ctx, &cri.ListImagesRequest{}))
	case "inspect":
		if flags.NArg() != 1 {
			return errors.New("inspect takes one ID")
		}
		return show(c.runtime.ContainerStatus(c.ctx, &cri.ContainerStatusRequest{ContainerId: flags.Arg(0)}))
	case "stopp":
		return each(flags.Args(), func(id string) error {
			_, err := c.runtime.StopPodSandbox(c.ctx, &cri.StopPodSandboxRequest{PodSandboxId: id})
			return err
		})
	case "stop":
		return each(flags.Args(), func(id string) error {
			// As cri-tools: a stop may take its grace period beyond what any call may take.
			ctx, cancel := context.WithTimeout(context.Background(), c.timeout+time.Duration(*grace)*time.Second)
			defer cancel()
			_, err := c.runtime.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: id, Timeout: *grace})
			return err
		})
	}
	return errors.New(usage)
}

func running(all bool) *cri.ContainerFilter {
	if all {
		return nil
	}
	return &cri.ContainerFilter{State: &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}}
}

// info prints the status and, beside it, what the runtime tells of itself, each a JSON document of its own.
func (c *client) info() error {
	answer, err := c.runtime.Status(c.ctx, &cri.StatusRequest{Verbose: true})
	if err != nil {
		return err
	}
	status, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(answer.Status)
	if err != nil {
		return err
	}
	told := map[string]json.RawMessage{"status": status}
	for key, value := range answer.Info {
		if !json.Valid([]byte(value)) {
			quoted, err := json.Marshal(value)
			if err != nil {
				return err
			}
			value = string(quoted)
		}
		told[key] = json.RawMessage(value)
	}
	return write(told)
}

func show[Message proto.Message](answer Message, err error) error {
	if err != nil {
		return err
	}
	content, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(answer)
	if err != nil {
		return err
	}
	return write(json.RawMessage(content))
}

func write(document any) error {
	content, err := json.Marshal(document)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, content, "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err = indented.WriteTo(os.Stdout)
	return err
}

func each(ids []string, do func(string) error) error {
	if len(ids) == 0 {
		return errors.New("an ID is missing")
	}
	for _, id := range ids {
		if err := do(id); err != nil {
			return err
		}
		fmt.Println(id)
	}
	return nil
}
