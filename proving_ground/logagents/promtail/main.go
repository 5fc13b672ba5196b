// Promtail's own pipeline stages behind files: lines in, records out. Nothing is tailed and nothing is sent.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-kit/kit/log"
	"github.com/grafana/loki/pkg/logentry/stages"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v2"
)

type record struct {
	Line   string            `json:"line"`
	Labels map[string]string `json:"labels"`
	Time   time.Time         `json:"time"`
}

func main() {
	config := flag.String("config", "", "YAML: a list, pipeline_stages as Promtail has it")
	file := flag.String("file", "", "a container's log file")
	quiet := flag.Bool("quiet", false, "print no records, only how long it took")
	flag.Parse()
	if err := run(*config, *file, *quiet); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(config, file string, quiet bool) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	var wanted stages.PipelineStages
	if err := yaml.UnmarshalStrict(text, &wanted); err != nil {
		return err
	}
	job := "job"
	pipeline, err := stages.NewPipeline(log.NewNopLogger(), wanted, &job, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	lines, err := read(file)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	began := time.Now()
	for _, line := range lines {
		labels := model.LabelSet{"filename": model.LabelValue(file)}
		at, entry := time.Unix(0, 0).UTC(), line
		pipeline.Process(labels, map[string]interface{}{}, &at, &entry)
		if quiet {
			continue
		}
		if err := encoder.Encode(record{Line: entry, Labels: plain(labels), Time: at.UTC()}); err != nil {
			return err
		}
	}
	took := time.Since(began)
	if err := out.Flush(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stderr).Encode(map[string]any{"lines": len(lines), "seconds": took.Seconds()})
}

// read splits as Promtail's tailer does: at newlines, and a last line without one is not a line yet.
func read(file string) ([]string, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	reader := bufio.NewReader(opened)
	var lines []string
	for {
		line, err := reader.ReadString('\n')
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
}

func plain(labels model.LabelSet) map[string]string {
	found := map[string]string{}
	for name, value := range labels {
		found[string(name)] = string(value)
	}
	return found
}
