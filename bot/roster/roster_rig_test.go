package roster

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a workspace and a roster of it.
type rig struct {
	*Roster
	t   *testing.T
	sim *slacksim.Server
}

func newRig(t *testing.T, opt slacksim.Options, now func() time.Time) *rig {
	t.Helper()
	s := slacksim.New(opt)
	for _, id := range []string{"UANA", "UBEN", "UCAT"} {
		s.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id[1:]), RealName: id[1:],
			Email: strings.ToLower(id[1:]) + "@acme.example"})
	}
	s.AddUser(slacksim.User{ID: "UGUEST", Name: "guest", IsRestricted: true})
	s.AddUser(slacksim.User{ID: "UFOREIGN", Name: "foreign", TeamID: "T0OTHER"})
	srv := httptest.NewServer(s)
	api, err := slackapi.New(slackapi.Options{AppToken: "xapp-sim", BotToken: "xoxb-sim", URL: srv.URL + "/api",
		Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); srv.Close(); api.CloseIdleConnections() })
	return &rig{New(api, now, now), t, s}
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	r.t.Cleanup(cancel)
	return ctx
}

func (r *rig) calls(method string) (n int) {
	for _, c := range r.sim.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}
