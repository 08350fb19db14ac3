// The page and the JSON in GoFrame, on its own gcfg and gview: both follow their files by themselves.
package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gogf/gf/v2/frame/g"
	"github.com/gogf/gf/v2/net/ghttp"
	"github.com/gogf/gf/v2/os/gcfg"
	"github.com/gogf/gf/v2/os/gctx"
)

const framework = "GoFrame"

// Document is the answer of /dynamic-config.
type Document struct {
	Message                string `json:"message"`
	LogLevel               string `json:"log_level"`
	FeatureFlagA           bool   `json:"feature_flag_a"`
	RefreshIntervalSeconds int    `json:"refresh_interval_seconds"`
	DynamicMessage         string `json:"dynamic_message"`
}

var (
	started    = time.Now()
	updated    atomic.Pointer[time.Time]
	generation atomic.Int64
)

func main() {
	ctx := gctx.New()
	// Nothing is read in here: gcfg forgets the watch of whoever reads before this returns.
	g.Cfg().GetAdapter().(gcfg.WatcherAdapter).AddWatcher("message", func(context.Context) {
		now := time.Now()
		updated.Store(&now)
		generation.Add(1)
	})
	server := g.Server()
	server.SetAddr(fmt.Sprintf("%s:%d",
		g.Cfg().MustGet(ctx, "host", "127.0.0.1").String(), g.Cfg().MustGet(ctx, "port").Int()))
	server.SetDumpRouterMap(false)
	g.View().SetPath("templates")
	server.BindHandler("GET:/", func(r *ghttp.Request) {
		r.Response.WriteTpl("index.html", page(r.Context()))
	})
	server.BindHandler("GET:/dynamic-config", func(r *ghttp.Request) {
		r.Response.WriteJson(dynamic(r.Context()))
	})
	server.Run()
}

func dynamic(ctx context.Context) Document {
	return Document{
		Message:                "Current dynamic config values",
		LogLevel:               g.Cfg().MustGet(ctx, "settings.log_level").String(),
		FeatureFlagA:           g.Cfg().MustGet(ctx, "settings.feature_flag_a").Bool(),
		RefreshIntervalSeconds: g.Cfg().MustGet(ctx, "settings.refresh_interval_seconds").Int(),
		DynamicMessage:         message(ctx),
	}
}

func page(ctx context.Context) g.Map {
	return g.Map{
		"title":     framework + " Hot Reload & Dynamic Config",
		"framework": framework,
		"app_name":  g.Cfg().MustGet(ctx, "app_name").String(),
		"port":      g.Cfg().MustGet(ctx, "port").Int(),
		"database": g.Map{
			"host": g.Cfg().MustGet(ctx, "database.host").String(),
			"port": g.Cfg().MustGet(ctx, "database.port").Int(),
			"user": g.Cfg().MustGet(ctx, "database.user").String(),
			"name": g.Cfg().MustGet(ctx, "database.name").String(),
		},
		"settings": g.Map{
			"log_level":                g.Cfg().MustGet(ctx, "settings.log_level").String(),
			"feature_flag_a":           g.Cfg().MustGet(ctx, "settings.feature_flag_a").Bool(),
			"refresh_interval_seconds": g.Cfg().MustGet(ctx, "settings.refresh_interval_seconds").Int(),
		},
		"current_time":    time.Now().Format(time.DateTime),
		"dynamic_message": message(ctx),
		"generation":      1 + generation.Load(),
	}
}

func message(ctx context.Context) string {
	if at := updated.Load(); at != nil {
		return fmt.Sprintf("Config updated at %s. Interval: %d seconds.",
			at.Format(time.TimeOnly), g.Cfg().MustGet(ctx, "settings.refresh_interval_seconds").Int())
	}
	return "Initial message at " + started.Format(time.TimeOnly)
}
