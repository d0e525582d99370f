package config

import (
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/slack-go/slack"
)

func decodeManifest(t *testing.T, command string) slack.Manifest {
	t.Helper()
	var m slack.Manifest
	if err := yaml.UnmarshalWithOptions(Manifest(command), &m, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManifestIsWithinSlacksLimits(t *testing.T) {
	m := decodeManifest(t, "/io")
	within := func(what, text string, most int) {
		if n := len([]rune(text)); n == 0 || n > most {
			t.Errorf("%s has %d characters, not 1 to %d", what, n, most)
		}
	}
	within("name", m.Display.Name, 35)
	within("description", m.Display.Description, 140)
	within("bot name", m.Features.BotUser.DisplayName, 80)
	if !regexp.MustCompile(`^[a-z0-9_.-]+$`).MatchString(m.Features.BotUser.DisplayName) {
		t.Errorf("bot name %q", m.Features.BotUser.DisplayName)
	}
	if len(m.Features.SlashCommands) != 1 {
		t.Fatalf("%d commands", len(m.Features.SlashCommands))
	}
	c := m.Features.SlashCommands[0]
	within("command", c.Command, 32)
	within("command's description", c.Description, 2000)
	within("usage hint", c.UsageHint, 1000)
	if !c.ShouldEscape || c.Url != "" {
		t.Errorf("command %+v", c)
	}
	if n := len(m.OAuthConfig.Scopes.Bot); n == 0 || n > 255 {
		t.Errorf("%d scopes", n)
	}
}

func TestManifestAsksForWhatKeyholderNeedsAndNoMore(t *testing.T) {
	m := decodeManifest(t, "/io")
	want := []string{"commands", "chat:write", "im:write", "users:read", "users:read.email", "usergroups:read",
		"channels:read", "groups:read"}
	if got := m.OAuthConfig.Scopes.Bot; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s := m.Settings
	if !s.SocketModeEnabled || s.Interactivity == nil || !s.Interactivity.IsEnabled ||
		s.Interactivity.RequestUrl != "" || s.OrgDeployEnabled || s.TokenRotationEnabled {
		t.Errorf("settings %+v", s)
	}
	if s.EventSubscriptions == nil || !slices.Equal(s.EventSubscriptions.BotEvents,
		[]string{"app_home_opened", "user_change", "user_status_changed"}) {
		t.Errorf("events %+v", s.EventSubscriptions)
	}
	if m.Metadata.MajorVersion != 1 || !m.Features.AppHome.HomeTabEnabled || !m.Features.AppHome.MessagesTabEnabled ||
		m.Features.AppHome.MessagesTabReadOnlyEnabled {
		t.Errorf("home %+v", m.Features.AppHome)
	}
}

// An optional scope that is switched on by removing its # must still make a manifest.
func TestManifestWithEveryOptionalScope(t *testing.T) {
	text := strings.ReplaceAll(string(Manifest("/io")), "# - ", "- ")
	var m slack.Manifest
	if err := yaml.UnmarshalWithOptions([]byte(text), &m, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"channels:history", "groups:history", "im:history", "files:write", "files:read"} {
		if !slices.Contains(m.OAuthConfig.Scopes.Bot, scope) {
			t.Errorf("%s is not offered", scope)
		}
	}
}

func TestManifestHasTheConfiguredCommand(t *testing.T) {
	for command, want := range map[string]string{"/celigo": "/celigo", "": "/io", "io": "/io", "/a: b\n- c": "/io",
		"/schlüssel": "/schlüssel"} {
		if got := decodeManifest(t, command).Features.SlashCommands[0].Command; got != want {
			t.Errorf("%q became %q", command, got)
		}
	}
}

// What Slack's form reads from the link is the manifest, all of it.
func TestTheLinkCarriesTheWholeManifest(t *testing.T) {
	link, err := ManifestLink("/owners")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Host != "api.slack.com" || u.Path != "/apps" || u.Query().Get("new_app") != "1" ||
		len(link) > 8000 {
		t.Fatalf("%v: %s", err, link)
	}
	var got, want any
	if err := json.Unmarshal([]byte(u.Query().Get("manifest_yaml")), &got); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.YAMLToJSON(Manifest("/owners"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %v\nwant %v", err, got, want)
	}
	if !strings.Contains(u.Query().Get("manifest_yaml"), `"command":"/owners"`) &&
		!strings.Contains(u.Query().Get("manifest_yaml"), `"command": "/owners"`) {
		t.Errorf("the command is another: %s", u.Query().Get("manifest_yaml"))
	}
}
