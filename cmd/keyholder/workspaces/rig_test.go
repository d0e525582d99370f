package workspaces_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/workspaces"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// town is several Slacks behind one address, as real ones are, an integrator.io and a Redis; and a folder of
// configurations.
type town struct {
	t          testing.TB
	dir        string
	redis      *storetest.Server
	front      *httptest.Server
	integrator *httptest.Server
	account    integratorsim.DemoInfo
	reload     chan os.Signal
	log        lines

	mu      sync.Mutex
	slacks  map[string]*slacksim.Server // by name
	homes   map[string]*httptest.Server
	refusal map[string]string // the code that Slack answers a workspace's tokens with
}

func newTown(t testing.TB, now func() time.Time) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), redis: storetest.Redis(t), reload: make(chan os.Signal, 1),
		slacks: map[string]*slacksim.Server{}, homes: map[string]*httptest.Server{}, refusal: map[string]string{}}
	w.front = httptest.NewServer(w)
	sim, info := integratorsim.Demo(integratorsim.Options{Now: now})
	w.account, w.integrator = info, httptest.NewServer(sim)
	t.Cleanup(func() {
		w.front.Close()
		w.integrator.Close()
		for name, s := range w.slacks {
			s.Close()
			w.homes[name].Close()
		}
	})
	return w
}

// found makes a workspace with its people.
func (w *town) found(name string, now func() time.Time) *slacksim.Server {
	s := slacksim.New(slacksim.Options{Now: now, TeamID: "T0" + strings.ToUpper(name), TeamName: name,
		AppToken: "xapp-" + name,
		BotToken: "xoxb-" + name, BotUserID: "U0KEYS",
		Commands: []slacksim.SlashCommand{{Command: "/io", ShouldEscape: true}}})
	for _, id := range []string{"U0DEE", "U0ANA", "U0BEN", "U0CAT"} {
		s.AddUser(slacksim.User{ID: id, RealName: id, Email: strings.ToLower(id) + "@acme.example"})
	}
	s.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops", Members: []string{"U0DEE", "U0ANA", "U0BEN", "U0CAT",
		"U0KEYS"}})
	home := httptest.NewServer(s)
	s.SetPublicURL(home.URL)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slacks[name], w.homes[name] = s, home
	return s
}

// ServeHTTP brings a call to the Slack whose token it carries.
func (w *town) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		form, _ := url.ParseQuery(string(body))
		token = form.Get("token")
	}
	_, name, _ := strings.Cut(token, "-")
	w.mu.Lock()
	slack, code := w.slacks[name], w.refusal[name]
	w.mu.Unlock()
	if slack == nil {
		code = "invalid_auth"
	}
	if code != "" {
		_, _ = fmt.Fprintf(rw, `{"ok":false,"error":%q}`, code)
		return
	}
	slack.ServeHTTP(rw, r)
}

// refuse has Slack answer a workspace's tokens with a code, "" for as usual, and hangs up.
func (w *town) refuse(name, code string) {
	w.mu.Lock()
	w.refusal[name] = code
	slack := w.slacks[name]
	w.mu.Unlock()
	slack.DropConnections()
}

// write writes a workspace's configuration; more are lines of its account.
func (w *town) write(name, prefix string, more ...string) {
	w.t.Helper()
	text := fmt.Sprintf(`listen: 127.0.0.1:0
redis: {shards: 4, prefix: %s}
slack: {channel: C0OPS, app_token_env: %s_APP, bot_token_env: %[2]s_BOT}
accounts:
  - id: acme
    name: %s Production
    api_url: %s
    token_env: IO_TOKEN
    owner: jane@acme.example
    aliases: [{email: celigo@acme.example, holders: [U0ANA, U0BEN, U0CAT]}]
    admins: [U0DEE]
`, prefix, strings.ToUpper(name), name, w.integrator.URL)
	for _, line := range more {
		text += "    " + line + "\n"
	}
	if err := os.WriteFile(filepath.Join(w.dir, name+".yaml"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// env are the variables of every workspace of the town.
func (w *town) env(name string) (string, bool) {
	who, kind, _ := strings.Cut(name, "_")
	switch {
	case name == config.EnvSlackAPIURL:
		return w.front.URL + "/api/", true
	case name == config.EnvRedisURL:
		return w.redis.URL, true
	case name == "IO_TOKEN":
		return w.account.ProductionToken, true
	case kind == "APP":
		return "xapp-" + strings.ToLower(who), true
	case kind == "BOT":
		return "xoxb-" + strings.ToLower(who), true
	}
	return "", false
}

func (w *town) load() ([]config.File, error) { return config.LoadAll([]string{w.dir}, w.env) }

// run runs all that is in the folder, and answers operators' address and what ends it.
func (w *town) run(now func() time.Time) (operators string, stop func() error) {
	w.t.Helper()
	files, err := w.load()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	at, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- workspaces.Run(ctx, files, workspaces.Options{Load: w.load, Reload: w.reload, Log: zerolog.New(&w.log),
			Version: "test", Now: now, Listening: func(address string) { at <- address }})
	}()
	ended := false
	stop = func() error {
		cancel()
		if ended {
			return nil
		}
		ended = true
		return <-done
	}
	w.t.Cleanup(func() { _ = stop() })
	select {
	case address := <-at:
		return "http://" + address, stop
	case err := <-done:
		ended = true
		w.t.Fatalf("ended at once: %v", err)
		return "", nil
	}
}

// hup tells the process to read its configurations again.
func (w *town) hup() { w.reload <- os.Interrupt }

// until waits for a condition.
func (w *town) until(what string, cond func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s\n%s", what, w.log.String())
		}
		time.Sleep(10 * time.Millisecond) // polling with a deadline: other processes tell nobody
	}
}

// get answers status and body of an address.
func get(t testing.TB, address string) (int, string) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// answers waits for a status and a text.
func (w *town) answers(address string, status int, text string) {
	w.t.Helper()
	got, body := 0, ""
	w.until(fmt.Sprintf("%d with %q at %s", status, text, address), func() bool {
		got, body = get(w.t, address)
		return got == status && strings.Contains(body, text)
	})
}

// status gives /io status in a workspace and answers what came back.
func (w *town) status(name string) string {
	w.t.Helper()
	res, err := w.slacks[name].SlashCommand(context.Background(), "U0DEE", "C0OPS", "/io", "status")
	if err != nil {
		w.t.Fatalf("%s: /io status: %v", name, err)
	}
	return res.Text
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
