// Command workload is what users run on the ground's clusters: a web server, a ledger with local data, a writer of logs.
//
//	workload web --listen :8080           answers with its pod's name
//	workload ledger --file /data/ledger   adds a numbered line to a file ten times a second, for ever
//	workload log --per-second 5           writes numbered lines to stdout
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("workload: which? web, ledger or log")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	listen := flags.String("listen", ":8080", "address of the web server")
	file := flags.String("file", "/data/ledger", "file of the ledger")
	perSecond := flags.Int("per-second", 5, "lines a second")
	lines := flags.Int("lines", 0, "end after that many; 0 = never")
	if err := flags.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	var err error
	switch os.Args[1] {
	case "web":
		err = serve(*listen)
	case "ledger":
		err = keep(*file)
	case "log":
		err = write(os.Stdout, 0, *perSecond, *lines)
	default:
		err = fmt.Errorf("no %q: web, ledger or log", os.Args[1])
	}
	if err != nil {
		log.Fatal("workload: ", err)
	}
}

func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	return http.ListenAndServe(address, nil)
}

// keep goes on counting where the file ends: a gap or a restart from 1 shows that data was lost.
func keep(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	last := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var number int
		if _, err := fmt.Sscanf(scanner.Text(), "%d ", &number); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %q is no line of a ledger", path, scanner.Text())
		}
		last = number
	}
	return write(file, last, 10, 0)
}

func write(to io.Writer, last, perSecond, lines int) error {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for number := last + 1; lines == 0 || number <= last+lines; number++ {
		if _, err := fmt.Fprintf(to, "%d %s\n", number, time.Now().UTC().Format(time.RFC3339Nano)); err != nil {
			return err
		}
		<-ticker.C
	}
	return nil
}
