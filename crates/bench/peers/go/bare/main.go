// The bare frameworks: `bare gin 127.0.0.1:8080` answers /bare with a word, and /dynamic-config and / with the bytes of
// the files of the names dynamic-config and index.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/gogf/gf/v2/frame/g"
	"github.com/gogf/gf/v2/net/ghttp"
	"github.com/labstack/echo/v5"
)

const (
	jsonType = "application/json"
	htmlType = "text/html; charset=utf-8"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: bare gin|echo|fiber|goframe ADDRESS")
	}
	serve := map[string]func(address string, json, page []byte) error{
		"gin": serveGin, "echo": serveEcho, "fiber": serveFiber, "goframe": serveGoFrame,
	}[os.Args[1]]
	if serve == nil {
		log.Fatalf("no framework `%s`", os.Args[1])
	}
	log.Fatal(serve(os.Args[2], read("dynamic-config"), read("index")))
}

func read(file string) []byte {
	bytes, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

func serveGin(address string, json, page []byte) error {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/bare", func(c *gin.Context) { c.String(http.StatusOK, "pong") })
	router.GET("/dynamic-config", func(c *gin.Context) { c.Data(http.StatusOK, jsonType, json) })
	router.GET("/", func(c *gin.Context) { c.Data(http.StatusOK, htmlType, page) })
	return router.Run(address)
}

func serveEcho(address string, json, page []byte) error {
	e := echo.New()
	e.GET("/bare", func(c *echo.Context) error { return c.String(http.StatusOK, "pong") })
	e.GET("/dynamic-config", func(c *echo.Context) error { return c.Blob(http.StatusOK, jsonType, json) })
	e.GET("/", func(c *echo.Context) error { return c.Blob(http.StatusOK, htmlType, page) })
	return e.Start(address)
}

func serveFiber(address string, json, page []byte) error {
	app := fiber.New()
	app.Get("/bare", func(c fiber.Ctx) error { return c.SendString("pong") })
	app.Get("/dynamic-config", func(c fiber.Ctx) error { return c.Type("json").Send(json) })
	app.Get("/", func(c fiber.Ctx) error { return c.Type("html").Send(page) })
	return app.Listen(address, fiber.ListenConfig{DisableStartupMessage: true})
}

func serveGoFrame(address string, json, page []byte) error {
	server := g.Server()
	server.SetAddr(address)
	server.SetDumpRouterMap(false)
	server.BindHandler("GET:/bare", func(r *ghttp.Request) { r.Response.Write("pong") })
	server.BindHandler("GET:/dynamic-config", func(r *ghttp.Request) {
		r.Response.Header().Set("Content-Type", jsonType)
		r.Response.Write(json)
	})
	server.BindHandler("GET:/", func(r *ghttp.Request) {
		r.Response.Header().Set("Content-Type", htmlType)
		r.Response.Write(page)
	})
	server.Run()
	return nil
}
