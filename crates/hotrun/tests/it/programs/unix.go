// A server on a Unix socket that does not handle SIGTERM, as many are written.
package main

import (
	"net"
	"net/http"
	"os"
)

func main() {
	version, err := os.ReadFile("version.txt")
	if err != nil {
		panic(err)
	}
	os.Remove(os.Args[1])
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { answer.Write(version) })
	http.Serve(listener, nil)
}
