// The page and the JSON in echo, on viper.
package main

import (
	"html/template"
	"log"
	"net/http"

	"counterparts/settings"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

func main() {
	if err := settings.Watch(); err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(middleware.Recover())
	e.Renderer = &echo.TemplateRenderer{
		Template: template.Must(template.ParseGlob("templates/*.html")),
	}
	e.GET("/", func(c *echo.Context) error {
		return c.Render(http.StatusOK, "index.html", settings.Page("Echo"))
	})
	e.GET("/dynamic-config", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, settings.Dynamic())
	})
	if err := e.Start(settings.Address()); err != nil {
		log.Fatal(err)
	}
}
