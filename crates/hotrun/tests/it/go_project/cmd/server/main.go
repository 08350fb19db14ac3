// A small site: flags, variables, a template, a file that a command before the build writes.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"example.com/site/internal/page"
)

func main() {
	name := flag.String("name", "nobody", "who is greeted")
	flag.Parse()
	if flag.Arg(0) != "serve" {
		log.Fatal("usage: server -name NAME serve")
	}
	handler, err := page.New(*name, os.Getenv("WORD"))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: os.Getenv("ADDRESS"), Handler: handler}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
