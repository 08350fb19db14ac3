// The page and the JSON in fiber, on viper.
package main

import (
	"log"

	"counterparts/settings"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/template/html/v3"
)

func main() {
	if err := settings.Watch(); err != nil {
		log.Fatal(err)
	}
	app := fiber.New(fiber.Config{Views: html.New("./templates", ".html")})
	app.Use(recover.New())
	app.Get("/", func(c fiber.Ctx) error {
		return c.Render("index", settings.Page("Fiber"))
	})
	app.Get("/dynamic-config", func(c fiber.Ctx) error {
		return c.JSON(settings.Dynamic())
	})
	log.Fatal(app.Listen(settings.Address(), fiber.ListenConfig{DisableStartupMessage: true}))
}
