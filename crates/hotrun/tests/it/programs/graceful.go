// Go's own server, shut down as its documentation has it. `/slow` waits for the file `go`.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const version = "version 1."

func main() {
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			fmt.Println("slow on", version)
			for {
				if _, err := os.Stat("go"); err == nil {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
		fmt.Fprint(w, version)
	})
	server := &http.Server{Addr: "127.0.0.1:PORT"}
	go server.ListenAndServe()
	// SIGNAL
	<-ended.Done()
	fmt.Println("asked to end", version)
	server.Shutdown(context.Background())
}
