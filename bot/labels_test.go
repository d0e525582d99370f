package bot

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/bot/slacksim"
)

// labels collects what is told to the metric of refused calls.
type labels struct {
	mu  sync.Mutex
	all []string
}

func (l *labels) add(method string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, method)
}

func (l *labels) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func TestLabelsOfRefusedCallsAreOfAFixedSetAndHoldNoSecret(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("C0OPS"))
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postEphemeral", Kind: slacksim.FaultAPIError,
		Reason: "channel_not_found"})
	r.sim.InjectFault(slacksim.Rule{Method: "response_url", Kind: slacksim.FaultRateLimited, Times: 2})
	r.click("UANA", p, "transfer.confirm")
	r.click("UBEN", p, "transfer.confirm")
	r.told("UANA", "Recorded.")
	r.told("UBEN", "Recorded.")
	if got := r.limited.seen(); len(got) != 2 || got[0] != slackapi.LabelOther || got[1] != slackapi.LabelOther {
		t.Errorf("labels: %q", got)
	}
}

func TestCallsOfAWholeRunAreAllKnownByName(t *testing.T) {
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("UANA"))
	r.posted(testCard("C0OPS"))
	r.click("UANA", p, "transfer.confirm")
	r.slash("UANA", "transfer acme")
	r.slash("UANA", "mine")
	if err := r.sim.OpenHome(r.ctx(), "UANA"); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.sim.Calls() {
		if c.Method != "response_url" && !slices.Contains(slackapi.Methods, c.Method) {
			t.Errorf("%s is called and is no label", c.Method)
		}
	}
}

func TestAnswersGoToSlackAndNeverAlongARedirect(t *testing.T) {
	var mu sync.Mutex
	var got []string
	strange := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, req.URL.Path)
	}))
	t.Cleanup(strange.Close)
	r := running(t, slacksim.Options{})
	p := r.posted(testCard("C0OPS"))
	r.sim.InjectFault(slacksim.Rule{Method: "chat.postEphemeral", Kind: slacksim.FaultAPIError,
		Reason: "channel_not_found"})
	for i, address := range []string{strange.URL + "/response", "https://evil.example/response",
		"https://hooks.slack.com.evil.example/x"} {
		who := []string{"UANA", "UBEN", "UCAT"}[i]
		if _, err := r.sim.ClickForged(r.ctx(), slacksim.Forged{User: who, Channel: p.Channel, MessageTS: p.TS,
			BlockID:  "transfer:3",
			ActionID: "transfer.confirm", Value: someWorkflow,
			Fields: map[string]any{"response_url": address}}); err != nil {
			t.Fatal(err)
		}
		r.until(func(n *slacksim.Snapshot) bool {
			m := n.Messages(n.DM(who))
			return len(m) == 1 && strings.Contains(m[0].Text, "Recorded.")
		})
	}
	mu.Lock()
	defer mu.Unlock()
	if len(got) > 0 {
		t.Errorf("a stranger was asked: %q", got)
	}
}
