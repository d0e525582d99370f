package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// asked answers status and body of one of the operators' pages.
func asked(t *testing.T, addr, page string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+page, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, string(body)
}

func TestOperatorsAreAnsweredFromTheFirstMomentWhileRedisIsAway(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	cfg := configured(t)
	cfg.Listen, cfg.Secrets.RedisURL = "127.0.0.1:0", "redis://"+nobody+"/0"
	listening := make(chan string, 1)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := New(Options{Config: cfg, Log: zerolog.Nop(), Listening: func(addr string) { listening <- addr }})
	go func() { done <- s.Run(ctx) }()
	addr := <-listening
	if code, body := asked(t, addr, "/healthz"); code != http.StatusOK {
		t.Errorf("alive: %d %s", code, body)
	}
	if code, body := asked(t, addr, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body,
		"Redis") {
		t.Errorf("ready: %d %s", code, body)
	}
	if code, body := asked(t, addr, "/metrics"); code != http.StatusOK || !strings.Contains(body, "keyholder_ready 0") {
		t.Errorf("metrics: %d %s", code, body)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the end while Redis is away: %v", err)
	}
}

func TestConnectionsThatAreNotOfThisRecordAreToldOnceWhenTheyStay(t *testing.T) {
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return at.Add(d) }
	for name, c := range map[string]struct {
		connections int
		processes   []int // every presenceEvery
		want        int
	}{
		"one alone":                    {1, []int{1, 1, 1, 1, 1, 1}, 0},
		"two of ours":                  {2, []int{2, 2, 2, 2, 2, 2}, 0},
		"one more":                     {2, []int{1, 1, 1, 1, 1, 1}, 1},
		"ours, which said so later":    {2, []int{1, 1, 2, 2, 2, 2}, 0},
		"ours, which ended just now":   {2, []int{2, 1, 1, 1, 1, 1}, 0},
		"three, of which one is ours":  {3, []int{1, 1, 1, 1, 1, 1}, 2},
		"a Slack that does not say so": {0, []int{1, 1, 1, 1, 1, 1}, 0},
	} {
		var k crowd
		k.hello(c.connections, at)
		told := 0
		for i, n := range c.processes {
			told += k.count(n, after(time.Duration(i)*presenceEvery))
		}
		if told != c.want {
			t.Errorf("%s: told of %d, want %d", name, told, c.want)
		}
	}
}
