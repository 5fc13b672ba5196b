// Command workload is what users run on the ground's clusters: a web server, a ledger with local data, a writer of logs.
//
//	workload web --listen :8080           answers with its pod's name
//	workload ledger --file /data/ledger   adds a numbered line to a file ten times a second, for ever
//	workload log --per-second 5           writes numbered lines to stdout
//
// The last two tell the number that they wrote last to whoever asks with HTTP, if --listen says where.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("workload: which? web, ledger or log")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	listen := flags.String("listen", "", "address to serve HTTP at; web: :8080 unless told")
	file := flags.String("file", "/data/ledger", "file of the ledger")
	perSecond := flags.Int("per-second", 5, "lines a second")
	lines := flags.Int("lines", 0, "end after that many; 0 = never")
	if err := flags.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	var err error
	counter := &counter{}
	if *listen != "" && os.Args[1] != "web" {
		go func() { log.Fatal("workload: ", http.ListenAndServe(*listen, counter)) }()
	}
	switch os.Args[1] {
	case "web":
		err = serve(cmp.Or(*listen, ":8080"))
	case "ledger":
		err = keep(*file, counter)
	case "log":
		err = write(os.Stdout, counter, *perSecond, *lines)
	default:
		err = fmt.Errorf("no %q: web, ledger or log", os.Args[1])
	}
	if err != nil {
		log.Fatal("workload: ", err)
	}
}

// lastSeconds is how long the web server goes on after SIGTERM. Proxies on all nodes learn only then that its pod is
// going; a server that ends at once loses what they still send it.
const lastSeconds = 3

func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	server, over := &http.Server{Addr: address}, make(chan error, 1)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		time.Sleep(lastSeconds * time.Second)
		over <- server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-over
}

// keep goes on counting where the file ends: a gap or a restart from 1 shows that data was lost.
func keep(path string, counter *counter) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var number int
		if _, err := fmt.Sscanf(scanner.Text(), "%d ", &number); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %q is no line of a ledger", path, scanner.Text())
		}
		counter.Store(int64(number))
	}
	return write(file, counter, 10, 0)
}

// counter is the number that was written last.
type counter struct{ atomic.Int64 }

func (c *counter) ServeHTTP(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, c.Load()) }

func write(to io.Writer, counter *counter, perSecond, lines int) error {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	last := counter.Load()
	for number := last + 1; lines == 0 || number <= last+int64(lines); number++ {
		if _, err := fmt.Fprintf(to, "%d %s\n", number, time.Now().UTC().Format(time.RFC3339Nano)); err != nil {
			return err
		}
		counter.Store(number)
		<-ticker.C
	}
	return nil
}
