package page

import (
	"html/template"
	"net/http"
	"os"
	"strings"

	"example.com/site/internal/greeting"
)

// New reads the template and the files that the page shows, once.
func New(name, word string) (http.Handler, error) {
	page, err := template.ParseFiles("templates/index.tmpl")
	if err != nil {
		return nil, err
	}
	release, err := os.ReadFile("tmp/release.txt")
	if err != nil {
		return nil, err
	}
	banner, err := os.ReadFile("assets/banner.html")
	if err != nil {
		return nil, err
	}
	shown := map[string]string{
		"Greeting": greeting.For(name),
		"Word":     word,
		"Release":  strings.TrimSpace(string(release)),
		"Banner":   strings.TrimSpace(string(banner)),
	}
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		page.Execute(writer, shown)
	}), nil
}
