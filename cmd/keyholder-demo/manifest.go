package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// manifest is what the Slack alone reads of an app's manifest, in the form that api.slack.com takes and gives
// (docs.slack.dev/reference/app-manifest); JSON is YAML, too. What else stands in it is not looked at.
type manifest struct {
	Display struct {
		Name string `json:"name"`
	} `json:"display_information"`
	Features struct {
		Home *struct {
			HomeTab  bool `json:"home_tab_enabled"`
			Messages bool `json:"messages_tab_enabled"`
		} `json:"app_home"`
		Bot struct {
			Name string `json:"display_name"`
		} `json:"bot_user"`
		Commands  []slacksim.SlashCommand `json:"slash_commands"`
		Shortcuts []struct {
			Name string `json:"name"`
			Type string `json:"type"`
			ID   string `json:"callback_id"`
		} `json:"shortcuts"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot  []string `json:"bot"`
			User []string `json:"user"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		Interactivity *struct {
			Enabled bool `json:"is_enabled"`
		} `json:"interactivity"`
		SocketMode *bool `json:"socket_mode_enabled"`
	} `json:"settings"`
}

// Limits of manifests (docs.slack.dev/reference/app-manifest).
const (
	longestAppName = 35
	longestCommand = 32
	mostCommands   = 50
)

// readYAML reads a file of YAML or JSON; unknown says what to do with keys that into does not have.
func readYAML(path string, into any, strict bool) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, errors.Unwrap(err))
	}
	text, err := yaml.YAMLToJSON(raw)
	if err != nil {
		return fmt.Errorf("%s is not YAML: %s", path, strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// readManifest reads an app's manifest and names every fault in it at once.
func readManifest(path string) (manifest, error) {
	var m manifest
	if err := readYAML(path, &m, false); err != nil {
		return m, err
	}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf("  "+format, args...)) }
	switch n := utf8.RuneCountInString(m.Display.Name); {
	case n == 0:
		fault("display_information.name is missing: every app has a name")
	case n > longestAppName:
		fault("display_information.name has %d characters; Slack takes %d", n, longestAppName)
	}
	seen := map[string]bool{}
	for _, c := range m.Features.Commands {
		switch {
		case !strings.HasPrefix(c.Command, "/") || strings.ContainsAny(c.Command, " \t") || c.Command == "/":
			fault("slash command %q: it begins with a slash and has no space, as /do", c.Command)
		case utf8.RuneCountInString(c.Command) > longestCommand:
			fault("slash command %s is longer than %d characters", c.Command, longestCommand)
		case seen[c.Command]:
			fault("slash command %s stands there twice", c.Command)
		}
		seen[c.Command] = true
	}
	if len(m.Features.Commands) > mostCommands {
		fault("%d slash commands; Slack takes %d", len(m.Features.Commands), mostCommands)
	}
	if len(m.Features.Commands)+len(m.Features.Shortcuts) > 0 && !slices.Contains(m.OAuth.Scopes.Bot, "commands") {
		fault("slash commands and shortcuts need the bot scope commands: add it to oauth_config.scopes.bot")
	}
	if len(faults) > 0 {
		return m, fmt.Errorf("%s would not be taken by Slack:\n%s", path, strings.Join(faults, "\n"))
	}
	return m, nil
}

// set puts what the manifest says into the workspace's options.
func (m manifest) set(o *slacksim.Options) {
	o.Commands, o.Scopes = m.Features.Commands, m.OAuth.Scopes.Bot
	if o.Events = m.Settings.Events.Bot; o.Events == nil {
		o.Events = []string{}
	}
	if o.BotName = m.Features.Bot.Name; o.BotName == "" {
		o.BotName = m.Display.Name
	}
	if len(o.Scopes) == 0 {
		o.Scopes = []string{"identify"} // none at all would mean every scope
	}
	o.HomeTabDisabled = m.Features.Home == nil || !m.Features.Home.HomeTab
}

// notes say what of the manifest this Slack does otherwise than the real one.
func (m manifest) notes() []string {
	var l []string
	if m.Settings.SocketMode == nil || !*m.Settings.SocketMode {
		l = append(l, "The manifest does not switch Socket Mode on. This Slack sends events, commands and clicks over it all the same, "+
			"and to no request URL.")
	}
	if len(m.OAuth.Scopes.User) > 0 {
		l = append(l, "User scopes are not granted: there is no user token here.")
	}
	return l
}
