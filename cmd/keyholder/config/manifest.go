package config

import (
	_ "embed"
	"strings"
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
