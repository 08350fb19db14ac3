// Package settings keeps config.yaml in step with viper, as viper's documentation has it:
// ReadInConfig, Unmarshal, OnConfigChange, WatchConfig.
package settings

import (
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/viper"
)

// Settings is config.yaml.
type Settings struct {
	AppName  string `mapstructure:"app_name"`
	Host     string `mapstructure:"host"`
	Port     int    `mapstructure:"port"`
	Database struct {
		Host     string `mapstructure:"host"`
		Port     int    `mapstructure:"port"`
		User     string `mapstructure:"user"`
		Password string `mapstructure:"password"`
		Name     string `mapstructure:"name"`
	} `mapstructure:"database"`
	Settings struct {
		LogLevel               string `mapstructure:"log_level"`
		FeatureFlagA           bool   `mapstructure:"feature_flag_a"`
		RefreshIntervalSeconds int    `mapstructure:"refresh_interval_seconds"`
	} `mapstructure:"settings"`
	Routes map[string]string `mapstructure:"routes"`
}

// Document is the answer of /dynamic-config.
type Document struct {
	Message                string `json:"message"`
	LogLevel               string `json:"log_level"`
	FeatureFlagA           bool   `json:"feature_flag_a"`
	RefreshIntervalSeconds int    `json:"refresh_interval_seconds"`
	DynamicMessage         string `json:"dynamic_message"`
}

var (
	mutex      sync.RWMutex
	current    Settings
	generation = 1
	message    string
)

// Watch reads config.yaml, and reads it again whenever it changes.
func Watch() error {
	viper.SetConfigFile("config.yaml")
	viper.SetDefault("host", "127.0.0.1")
	if err := viper.ReadInConfig(); err != nil {
		return err
	}
	if err := viper.Unmarshal(&current); err != nil {
		return err
	}
	message = "Initial message at " + time.Now().Format(time.TimeOnly)
	viper.OnConfigChange(func(fsnotify.Event) {
		var next Settings
		if err := viper.Unmarshal(&next); err != nil {
			log.Print("config.yaml: ", err)
			return
		}
		mutex.Lock()
		defer mutex.Unlock()
		current = next
		generation++
		message = fmt.Sprintf("Config updated at %s. Interval: %d seconds.",
			time.Now().Format(time.TimeOnly), next.Settings.RefreshIntervalSeconds)
	})
	viper.WatchConfig()
	return nil
}

// Address is where to listen.
func Address() string {
	mutex.RLock()
	defer mutex.RUnlock()
	return fmt.Sprintf("%s:%d", current.Host, current.Port)
}

// Dynamic is the dynamic part of the configuration.
func Dynamic() Document {
	mutex.RLock()
	defer mutex.RUnlock()
	return Document{
		Message:                "Current dynamic config values",
		LogLevel:               current.Settings.LogLevel,
		FeatureFlagA:           current.Settings.FeatureFlagA,
		RefreshIntervalSeconds: current.Settings.RefreshIntervalSeconds,
		DynamicMessage:         message,
	}
}

// Page is what the template sees.
func Page(framework string) map[string]any {
	mutex.RLock()
	defer mutex.RUnlock()
	return map[string]any{
		"title":     framework + " Hot Reload & Dynamic Config",
		"framework": framework,
		"app_name":  current.AppName,
		"port":      current.Port,
		"database": map[string]any{
			"host": current.Database.Host,
			"port": current.Database.Port,
			"user": current.Database.User,
			"name": current.Database.Name,
		},
		"settings": map[string]any{
			"log_level":                current.Settings.LogLevel,
			"feature_flag_a":           current.Settings.FeatureFlagA,
			"refresh_interval_seconds": current.Settings.RefreshIntervalSeconds,
		},
		"current_time":    time.Now().Format(time.DateTime),
		"dynamic_message": message,
		"generation":      generation,
	}
}
