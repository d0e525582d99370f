package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// slackFlags are those of keyholder-demo slack: the Slack alone, for a bot of one's own.
type slackFlags struct {
	Listen     string `default:"127.0.0.1:8888" help:"Where the page and Slack's Web API are."`
	Manifest   string `type:"path" placeholder:"FILE" help:"The manifest of your app, YAML or JSON: its commands, events, scopes and tabs. Without it: a bot with every scope and no command."`
	People     string `type:"path" placeholder:"FILE" help:"Who is in the workspace, YAML or JSON: people, channels, groups. Without it: a few people and channels."`
	Seed       uint64 `default:"1" help:"Makes IDs and faults repeatable."`
	Faults     bool   `help:"Let Slack misbehave."`
	RateLimits bool   `name:"rate-limits" help:"Answer 429 as Slack does: a tier for each method, one message a second in a channel."`
}

// The tokens of the Slack alone; everybody may know them, for it answers on this machine only.
const (
	soloAppToken = "xapp-sim"
	soloBotToken = "xoxb-sim"
)

// solo is the Slack alone.
type solo struct {
	slack    *slacksim.Server
	clock    *movableClock
	listener net.Listener
	notes    []string
	hooks    []slacksim.Channel // where an incoming webhook posts
	name     string
}

// everything are the events of a bot without a manifest.
var everything = []string{"app_home_opened", "app_mention", "message.im", "message.mpim", "message.channels",
	"message.groups",
	"reaction_added", "reaction_removed", "member_joined_channel", "member_left_channel", "file_shared", "user_change"}

// newSolo reads both files, listens, and fills the workspace.
func newSolo(f slackFlags) (*solo, error) {
	d := &solo{clock: clockFrom(time.Time{})}
	o := slacksim.Options{Seed: f.Seed, Now: d.clock.Now, AppToken: soloAppToken, BotToken: soloBotToken,
		RateLimits: f.RateLimits,
		BotName:    "bot", Events: everything, PanelTitle: "Time", Panel: d.panel()}
	if f.Faults {
		o.Faults = someFaults
	}
	messages := true
	if f.Manifest != "" {
		m, err := readManifest(f.Manifest)
		if err != nil {
			return nil, err
		}
		m.set(&o)
		d.notes = m.notes()
		messages = m.Features.Home == nil || m.Features.Home.Messages
	}
	w := someWorkspace()
	if f.People != "" {
		var err error
		if w, err = readPeople(f.People); err != nil {
			return nil, err
		}
	}
	if err := w.settle("U0BOT"); err != nil {
		return nil, fmt.Errorf("%s: %w", f.People, err)
	}
	o.TeamName, o.Domain = w.Team.Name, w.Team.Domain
	var err error
	if d.listener, err = net.Listen("tcp", f.Listen); err != nil {
		return nil, fmt.Errorf("listen for the page: %w", err)
	}
	d.slack, d.name = slacksim.New(o), o.BotName
	d.clock.moved = d.slack.TimeMoved
	d.slack.SetMessagesTab(messages)
	d.slack.SetPublicURL("http://" + d.listener.Addr().String())
	w.fill(d.slack)
	for _, c := range d.slack.Channels() {
		if len(o.Scopes) == 0 || strings.Contains(strings.Join(o.Scopes, " "), "incoming-webhook") {
			d.hooks = append(d.hooks, c)
		}
	}
	return d, nil
}

// someFaults is how often each misfortune happens under --faults.
var someFaults = slacksim.Faults{RateLimited: 0.03, Storm: 0.01, ErrorBefore: 0.03, ErrorAfter: 0.03, DropAfter: 0.03,
	Late:      0.1,
	Duplicate: 0.05, SocketDrop: 0.01, SocketDisconnect: 0.02, AckLost: 0.03}

//go:embed timepanel
var timeFiles embed.FS

// panel shows the time beside the page and moves it.
func (d *solo) panel() http.Handler {
	files, err := fs.Sub(timeFiles, "timepanel")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /panel.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, panelFiles, "panel/panel.css")
	})
	mux.HandleFunc("GET /now", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"now": d.clock.Now(), "ahead": int(d.clock.Ahead().Seconds())})
	})
	mux.HandleFunc("POST /forward", forward(d.clock, func(time.Time) {}))
	return secure(http.NewCrossOriginProtection().Handler(mux))
}

// run serves until ctx ends.
func (d *solo) run(ctx context.Context, names ...string) error {
	srv := &http.Server{Handler: guard(names, d.slack), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { d.slack.Close(); _ = srv.Close() })
	defer stop()
	if err := srv.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve Slack: %w", err)
	}
	return nil
}

// welcome is what somebody with a bot of their own reads first.
func (d *solo) welcome(w io.Writer) {
	base := "http://" + d.listener.Addr().String()
	fmt.Fprintf(w, "A Slack of your own is running, with the app %s in it.\n\n  Open %s/ in a browser.\n\n", d.name,
		base)
	fmt.Fprintf(w, "Point your bot at it:\n\n  Web API            %s/api/\n  app-level token    %s\n  bot token          %s\n\n", base,
		soloAppToken, soloBotToken)
	fmt.Fprintf(w, "  Bolt for JavaScript  new App({ socketMode: true, appToken, token, clientOptions: { slackApiUrl: '%s/api/' } })\n", base)
	fmt.Fprintf(w, "  Python               WebClient(token=..., base_url='%s/api/')\n", base)
	fmt.Fprintf(w, "  Go (slack-go)        slack.New(token, slack.OptionAppLevelToken(appToken), slack.OptionAPIURL(\"%s/api/\"))\n", base)
	if len(d.hooks) > 0 {
		fmt.Fprint(w, "\nIncoming webhooks\n")
		for _, c := range d.hooks {
			fmt.Fprintf(w, "  #%-18s %s\n", c.Name, d.slack.WebhookURL(c.ID))
		}
	}
	for _, n := range d.notes {
		fmt.Fprintf(w, "\nNote: %s\n", n)
	}
	fmt.Fprint(w, "\nEverything is gone when this ends: press Ctrl-C.\n")
}
