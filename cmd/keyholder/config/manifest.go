package config

import (
	_ "embed"
	"fmt"
	"net/url"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed manifest.yaml
var manifestText string

// Manifest is the Slack app manifest for api.slack.com/apps ("Create New App", "From a manifest"), as YAML. command
// is the slash command of the configuration; one that is no command gives the default, /io.
// Source: Slack's manifest schema, major version 1. The app-level token is not part of a manifest.
func Manifest(command string) []byte {
	c := &checker{marks: marks{}}
	if c.slack(Slack{Command: command, AppTokenEnv: EnvSlackAppToken, BotTokenEnv: EnvSlackBotToken}); len(
		c.faults) > 0 {
		command = Default().Slack.Command
	}
	return []byte(strings.ReplaceAll(manifestText, "{{command}}", quote(command)))
}

// ManifestLink is the address that opens Slack's form for a new app with the manifest filled in: as JSON, which is
// YAML too, since line breaks and indentation make an address long.
// Source: docs.slack.dev, app manifests, sharing manifests.
func ManifestLink(command string) (string, error) {
	text, err := yaml.YAMLToJSON(Manifest(command))
	if err != nil {
		return "", fmt.Errorf("turn the manifest into JSON: %w", err)
	}
	return "https://api.slack.com/apps?new_app=1&manifest_yaml=" + url.QueryEscape(strings.TrimSpace(string(text))), nil
}
