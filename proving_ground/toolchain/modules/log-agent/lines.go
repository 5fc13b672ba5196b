package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
)

// linesConfig: where the records go, one line of JSON each: body, time, attributes, resource. BodyOnly leaves the others out,
// which saves most of the file and of the time where lines only have to be counted.
type linesConfig struct {
	Path     string `mapstructure:"path"`
	BodyOnly bool   `mapstructure:"body_only"`
}

// lines appends to a file. A batch is written by one call before it is acknowledged: a killed agent leaves no half of it.
type lines struct {
	config *linesConfig
	mutex  sync.Mutex
	file   *os.File
}

func newLinesFactory() exporter.Factory {
	return exporter.NewFactory(
		component.MustNewType("lines"),
		func() component.Config { return &linesConfig{} },
		exporter.WithLogs(newLines, component.StabilityLevelStable),
	)
}

func newLines(_ context.Context, _ exporter.Settings, config component.Config) (exporter.Logs, error) {
	return &lines{config: config.(*linesConfig)}, nil
}

func (l *lines) Start(context.Context, component.Host) (err error) {
	l.file, err = os.OpenFile(l.config.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	return err
}

func (l *lines) Shutdown(context.Context) error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

func (l *lines) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (l *lines) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	var batch bytes.Buffer
	encoder := json.NewEncoder(&batch)
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				told := map[string]any{"body": record.Body().AsString()}
				if !l.config.BodyOnly {
					told["time"] = record.Timestamp().AsTime()
					told["attributes"] = record.Attributes().AsRaw()
					told["resource"] = resource.Resource().Attributes().AsRaw()
				}
				if err := encoder.Encode(told); err != nil {
					return err
				}
			}
		}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, err := l.file.Write(batch.Bytes())
	return err
}
