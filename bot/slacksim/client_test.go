package slacksim_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// workspace is a small company: Ana and Ben are members, Gus a guest, Fay works elsewhere.
func workspace(t *testing.T, o slacksim.Options) (*slacksim.Server, string) {
	t.Helper()
	if o.Commands == nil {
		o.Commands = []slacksim.SlashCommand{{Command: "/do", Description: "does", ShouldEscape: true},
			{Command: "/raw"}}
	}
	s := slacksim.New(o)
	web := httptest.NewServer(s)
	bases.Store(s, web.URL)
	t.Cleanup(func() { s.Close(); web.Close(); bases.Delete(s) })
	s.AddUser(slacksim.User{ID: "UANA", Name: "ana", RealName: "Ana Silva", Email: "ana@acme.example"})
	s.AddUser(slacksim.User{ID: "UBEN", Name: "ben", RealName: "Ben Ode", Email: "ben@acme.example", IsAdmin: true})
	s.AddUser(slacksim.User{ID: "UGUS", Name: "gus", IsRestricted: true, IsUltraRestricted: true})
	s.AddUser(slacksim.User{ID: "UFAY", Name: "fay", TeamID: "T0OTHER", Email: "fay@other.example"})
	s.AddUser(slacksim.User{ID: "UOUT", Name: "out", TeamID: "T0OTHER"})
	s.AddUser(slacksim.User{ID: "UOLD", Name: "old", Deleted: true})
	s.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops", Members: []string{"UANA", "UBEN", "U0BOT"}})
	s.AddChannel(slacksim.Channel{ID: "C0EXT", Name: "ext", Members: []string{"UANA", "UFAY", "U0BOT"},
		ExtShared: true})
	s.AddChannel(slacksim.Channel{ID: "C0PRIV", Name: "priv", Private: true, Members: []string{"UANA"}})
	s.AddUserGroup("S0HOLD", "holders", []string{"UANA", "UBEN"})
	return s, web.URL
}

// bases remembers where each server listens.
var bases sync.Map

func baseOf(t *testing.T, s *slacksim.Server) string {
	t.Helper()
	v, ok := bases.Load(s)
	if !ok {
		t.Fatal("a server that workspace did not make")
	}
	return v.(string)
}

// app is an unmodified slack-go client in Socket Mode. handle sees every envelope and answers itself.
type app struct {
	api  *slack.Client
	sock *socketmode.Client
}

func connect(t *testing.T, s *slacksim.Server, url string, handle func(*app, socketmode.Event)) *app {
	t.Helper()
	api := slack.New("xoxb-sim", slack.OptionAppLevelToken("xapp-sim"), slack.OptionAPIURL(url+"/api/"))
	a := &app{api: api, sock: socketmode.New(api)}
	before := s.Connections()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = a.sock.RunContext(ctx) }) // ends with the context's error
	wg.Go(func() {
		for {
			select {
			case e := <-a.sock.Events:
				if e.Request != nil && e.Request.EnvelopeID != "" {
					handle(a, e)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	wait(t, s, func(n *slacksim.Snapshot) bool { return n.Connections() > before })
	return a
}

func ack(a *app, e socketmode.Event) { _ = a.sock.Ack(*e.Request) } // a failed ack shows as operation_timeout

func ctx(t *testing.T) context.Context {
	t.Helper()
	c, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return c
}

func wait(t *testing.T, s *slacksim.Server, cond func(*slacksim.Snapshot) bool) {
	t.Helper()
	if err := s.Wait(ctx(t), cond); err != nil {
		t.Fatalf("waiting: %v", err)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ctxFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
