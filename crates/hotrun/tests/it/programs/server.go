// Go's own server, on every address of the machine.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	version, err := os.ReadFile("version.txt")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.Write(version) })
	log.Fatal(http.ListenAndServe(":"+os.Args[1], nil))
}
