// registry serves an image registry from memory, for machines that pull instead of carrying images over.
//
// The registry is go-containerregistry's own (pkg/registry), which upstream uses in its tests and behind
// `crane registry serve`.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("address", ":5000", "where to listen")
	flag.Parse()
	server := &http.Server{Addr: *address, Handler: registry.New(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
