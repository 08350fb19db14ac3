// A peer to compare with: a small site on tableflip, drained by http.Server.Shutdown, as their documentation has it.
// It answers what the load of `just soak` asks for, and upgrades itself on SIGUSR2.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cloudflare/tableflip"
)

func main() {
	config, err := os.ReadFile("config.yaml")
	if err != nil {
		log.Fatal(err)
	}
	port := regexp.MustCompile(`(?m)^port: (\d+)`).FindSubmatch(config)
	if port == nil {
		log.Fatal("config.yaml names no port")
	}
	address := "127.0.0.1:" + string(port[1])

	upgrader, err := tableflip.New(tableflip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer upgrader.Stop()
	go obey(upgrader)

	listener, err := upgrader.Fds.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	instance := fmt.Sprintf("%08x", uint32(time.Now().UnixNano()))
	leaving := make(chan struct{})
	server := &http.Server{Handler: site(instance, address, leaving)}
	server.RegisterOnShutdown(func() { close(leaving) })
	go server.Serve(listener)
	log.Printf("serves http://%s/ (instance %s, process %d)", address, instance, os.Getpid())
	if err := upgrader.Ready(); err != nil {
		log.Fatal(err)
	}
	<-upgrader.Exit()

	patience, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	server.Shutdown(patience)
}

func obey(upgrader *tableflip.Upgrader) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2, syscall.SIGTERM)
	for wish := range signals {
		if wish == syscall.SIGTERM {
			upgrader.Stop()
			continue
		}
		if err := upgrader.Upgrade(); err != nil {
			log.Print("no upgrade: ", err)
		}
	}
}

func site(instance, address string, leaving <-chan struct{}) http.Handler {
	routes := http.NewServeMux()
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			fmt.Fprint(w, body)
		}
	}
	routes.HandleFunc("/{$}", answer(strings.Repeat("x", 6000)))
	routes.HandleFunc("/dynamic-config", answer(`{"message":"Current dynamic config values"}`))
	routes.HandleFunc("/healthz", answer(`{"status":"ok"}`))
	routes.HandleFunc("/readyz", answer(`{"status":"ready"}`))
	routes.HandleFunc("/events", func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		say := func(text string) {
			fmt.Fprint(w, text)
			w.(http.Flusher).Flush()
		}
		say("event: hello\ndata: {}\n\n")
		for {
			select {
			case <-leaving:
				say(fmt.Sprintf("event: bye\nretry: 250\ndata: {\"location\":\"http://%s/\"}\n\n", address))
				return
			case <-request.Context().Done():
				return
			case <-time.After(time.Second):
				say(": still here\n\n")
			}
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("x-instance", instance)
		routes.ServeHTTP(w, request)
	})
}
