package main

import (
	"context"
	"encoding/json"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
)

// linesConfig: where the records go. One line of JSON a record: body, attributes, resource.
type linesConfig struct {
	Path string `mapstructure:"path"`
}

// lines appends to a file and makes every batch durable before it is acknowledged: a test counts them.
type lines struct {
	component.StartFunc
	component.ShutdownFunc
	mutex sync.Mutex
	path  string
}

func newLinesFactory() exporter.Factory {
	return exporter.NewFactory(
		component.MustNewType("lines"),
		func() component.Config { return &linesConfig{} },
		exporter.WithLogs(newLines, component.StabilityLevelStable),
	)
}

func newLines(_ context.Context, _ exporter.Settings, config component.Config) (exporter.Logs, error) {
	return &lines{path: config.(*linesConfig).Path}, nil
}

func (l *lines) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (l *lines) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(file)
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				err := encoder.Encode(map[string]any{
					"body":       record.Body().AsString(),
					"time":       record.Timestamp().AsTime(),
					"attributes": record.Attributes().AsRaw(),
					"resource":   resource.Resource().Attributes().AsRaw(),
				})
				if err != nil {
					file.Close()
					return err
				}
			}
		}
	}
	if err := file.Sync(); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
