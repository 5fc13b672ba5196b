// Command nginx-proxy stands in for nginx where Kubespray's workers run it: a local port that leads to any API server.
//
// It reads of the nginx.conf that Kubespray writes what it needs: `listen ADDRESS:PORT` of the stream, `listen PORT` of
// the health check, and every `server ADDRESS:PORT` behind the stream. A connection goes to the first of them that
// answers, beginning with another one each time; nginx would take the one with the least connections.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

const connectTimeout = time.Second // proxy_connect_timeout

var (
	listening = regexp.MustCompile(`(?m)^\s*listen\s+(\S+:\d+);`)
	health    = regexp.MustCompile(`(?m)^\s*listen\s+(\d+);`)
	upstream  = regexp.MustCompile(`(?m)^\s*server\s+(\S+:\d+);`)
)

func main() {
	file := flag.String("c", "/etc/nginx/nginx.conf", "configuration")
	flag.Parse()
	if err := serve(*file); err != nil {
		log.Fatal(err)
	}
}

func serve(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	port := listening.FindSubmatch(content)
	var servers []string
	for _, found := range upstream.FindAllSubmatch(content, -1) {
		servers = append(servers, string(found[1]))
	}
	if port == nil || len(servers) == 0 {
		return fmt.Errorf("%s: no `listen ADDRESS:PORT;` or no `server ADDRESS:PORT;`", file)
	}
	if found := health.FindSubmatch(content); found != nil {
		go func() {
			log.Fatal(http.ListenAndServe(":"+string(found[1]), http.HandlerFunc(healthy)))
		}()
	}
	listener, err := net.Listen("tcp", string(port[1]))
	if err != nil {
		return err
	}
	log.Printf("%s leads to %v", listener.Addr(), servers)
	var turn atomic.Uint64
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go forward(client, servers, int(turn.Add(1)))
	}
}

func healthy(answer http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/healthz" {
		http.NotFound(answer, request)
	}
}

// forward joins the client with a server until either end closes.
func forward(client net.Conn, servers []string, turn int) {
	defer client.Close()
	for i := range servers {
		server, err := net.DialTimeout("tcp", servers[(turn+i)%len(servers)], connectTimeout)
		if err != nil {
			log.Print(err)
			continue
		}
		defer server.Close()
		var both sync.WaitGroup
		both.Go(func() { pass(server, client) })
		both.Go(func() { pass(client, server) })
		both.Wait()
		return
	}
}

// pass copies until the source ends, and tells the destination so.
func pass(destination, source net.Conn) {
	_, _ = io.Copy(destination, source)
	if half, ok := destination.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}
