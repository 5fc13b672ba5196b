// The OpenTelemetry collector's filelog receiver, alone: a container's log file in, records out as JSON lines.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/filelogreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

func main() {
	config := flag.String("config", "", "YAML: the settings of one filelog receiver")
	quiet := flag.Bool("quiet", false, "print no records, only how long it took")
	idle := flag.Duration("idle", time.Second, "end when no record came for so long")
	flag.Parse()
	if err := run(*config, *quiet, *idle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(config string, quiet bool, idle time.Duration) error {
	ctx := context.Background()
	settings, err := read(ctx, config)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	sink := &lines{encoder: json.NewEncoder(out), quiet: quiet}
	began := time.Now()
	sink.last.Store(began.UnixNano())
	factory := filelogreceiver.NewFactory()
	telemetry := component.TelemetrySettings{
		Logger:         zap.NewNop(),
		TracerProvider: tracenoop.NewTracerProvider(),
		MeterProvider:  noop.NewMeterProvider(),
	}
	built, err := factory.CreateLogs(ctx, receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: telemetry,
	}, settings, sink)
	if err != nil {
		return err
	}
	if err := built.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	for time.Since(time.Unix(0, sink.last.Load())) < idle {
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Unix(0, sink.last.Load()).Sub(began)
	if err := built.Shutdown(ctx); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stderr).Encode(map[string]any{"records": sink.count.Load(), "seconds": took.Seconds()})
}

func read(ctx context.Context, path string) (component.Config, error) {
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{"file:" + path},
		ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
	})
	if err != nil {
		return nil, err
	}
	found, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, err
	}
	settings := filelogreceiver.NewFactory().CreateDefaultConfig()
	return settings, found.Unmarshal(settings)
}

// lines prints what arrives.
type lines struct {
	mutex   sync.Mutex
	encoder *json.Encoder
	quiet   bool
	count   atomic.Int64
	last    atomic.Int64
}

func (l *lines) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (l *lines) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, found := range scope.LogRecords().All() {
				l.count.Add(1)
				if l.quiet {
					continue
				}
				err := l.encoder.Encode(map[string]any{
					"body":       found.Body().AsString(),
					"time":       found.Timestamp().AsTime(),
					"attributes": found.Attributes().AsRaw(),
				})
				if err != nil {
					return err
				}
			}
		}
	}
	l.last.Store(time.Now().UnixNano())
	return nil
}
