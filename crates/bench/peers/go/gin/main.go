// The page and the JSON in gin, on viper.
package main

import (
	"log"
	"net/http"

	"counterparts/settings"

	"github.com/gin-gonic/gin"
)

func main() {
	if err := settings.Watch(); err != nil {
		log.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.LoadHTMLGlob("templates/*")
	router.GET("/", func(c *gin.Context) {
		c.HTML(http.StatusOK, "index.html", settings.Page("Gin"))
	})
	router.GET("/dynamic-config", func(c *gin.Context) {
		c.JSON(http.StatusOK, settings.Dynamic())
	})
	log.Fatal(router.Run(settings.Address()))
}
