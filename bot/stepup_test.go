package bot

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/bot/stepup"
	"github.com/keyholder/keyholder/bot/stepup/idpsim"
	"github.com/keyholder/keyholder/workflows"
)

// provenRig is a rig with an identity provider, whose record wants a proof of every click.
type provenRig struct {
	*rig
	idp *idpsim.Server
}

const aboutIt = "*Confirm*: Hand Acme over (`" + someWorkflow + "`)"

func withProvider(t *testing.T, change ...func(*Options)) provenRig {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	issuer := "http://" + srv.Listener.Addr().String()
	idp := idpsim.New(idpsim.Options{Issuer: issuer, ClientID: "keyholder",
		People: []idpsim.Person{{Email: "uana@acme.example"}, {Email: "ana@acme.example"},
			{Email: "ben@acme.example"}}})
	srv.Config.Handler = idp
	srv.Start()
	t.Cleanup(srv.Close)
	wire := &http.Transport{}
	t.Cleanup(wire.CloseIdleConnections)
	p := stepup.New(stepup.Options{Issuer: issuer, ClientID: "keyholder", MaxAge: time.Hour, Transport: wire})
	change = append(change, func(o *Options) { o.StepUp = p })
	r := provenRig{running(t, slacksim.Options{}, change...), idp}
	r.desk.do = wantsProof
	return r
}

func wantsProof(_ context.Context, cmd workflows.Command) (workflows.Reply, error) {
	if cmd.Actor.StepUp == nil {
		return workflows.Reply{}, &workflows.StepUpWanted{Account: "acme", About: aboutIt}
	}
	return workflows.Reply{}, nil
}

// counted are the commands that came with a proof.
func (r provenRig) counted() (out []workflows.Command) {
	for _, c := range r.desk.seen() {
		if c.Actor.StepUp != nil {
			out = append(out, c)
		}
	}
	return out
}

var shownCode = regexp.MustCompile(`the code \*([A-Z2-7]{4}-[A-Z2-7]{4})\*`)

// asked waits for the private question to somebody and answers its code.
func (r provenRig) asked(user string) string {
	r.t.Helper()
	text := r.told(user, "show who you are")
	m := shownCode.FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, aboutIt) || !strings.Contains(text, "user_code="+m[1]) {
		r.t.Fatalf("the question is %q", text)
	}
	return m[1]
}

func (r provenRig) says(code, email string, yes bool) {
	r.t.Helper()
	if err := r.idp.Answer(code, email, yes, time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

func TestAClickThatWantsAProofCountsOnceItCame(t *testing.T) {
	t.Parallel()
	r := withProvider(t)
	p := r.posted(testCard("UANA"))
	r.click("UANA", p, "transfer.confirm")
	code := r.asked("UANA")
	if n := len(r.counted()); n != 0 {
		t.Fatalf("%d commands counted before anybody signed in", n)
	}
	r.until(func(n *slacksim.Snapshot) bool {
		for _, m := range n.AllMessages() {
			if strings.Contains(m.Text, code) && m.EphemeralTo != "UANA" {
				t.Errorf("the code stands where others may read it: %+v", m)
			}
		}
		return true
	})
	// Another click meanwhile is not taken, and told so.
	r.click("UANA", p, "transfer.refuse")
	r.told("UANA", "This was not taken: you are being asked who you are for something else.")
	r.says(code, "ana@acme.example", true)
	r.told("UANA", "Recorded, with proof. "+aboutIt)
	got := r.counted()
	if len(got) != 1 || got[0].Name != "transfer.confirm" || got[0].Round != 3 || got[0].Actor.StepUp.Class != "phr" {
		t.Fatalf("counted: %+v", got)
	}
	// The proof serves the next click too, and nobody else.
	r.click("UANA", p, "transfer.confirm")
	r.soon(func() bool { return len(r.counted()) == 2 })
	r.click("UBEN", r.posted(testCard("UBEN")), "transfer.confirm")
	r.asked("UBEN")
	if n := len(r.counted()); n != 2 {
		t.Errorf("%d commands counted", n)
	}
	for _, secret := range []string{code, "device_code"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

func TestAFormThatWantsAProofWaitsForIt(t *testing.T) {
	t.Parallel()
	r := withProvider(t)
	r.slash("UANA", "transfer acme")
	values := map[string]map[string]any{
		"new_owner_person": {"new_owner_person": "UBEN"}, "reason": {"reason": "Jane leaves."}}
	view := r.sim.Views("UANA")[0].ID
	if res, err := r.sim.SubmitView(r.ctx(), "UANA", view, values); err != nil || len(res.Errors) > 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	r.says(r.asked("UANA"), "ana@acme.example", true)
	r.soon(func() bool { return len(r.counted()) == 1 })
	if c := r.counted()[0]; c.Input["reason"] != "Jane leaves." || c.Workflow == "" {
		t.Errorf("what counted is not the form: %+v", c)
	}
}

func TestADelegationThatWantsAProofWaitsForIt(t *testing.T) {
	t.Parallel()
	r := withProvider(t)
	r.desk.delegate = func(cmd workflows.Command, to string, _ time.Time) (workflows.Reply, error) {
		reply, err := wantsProof(t.Context(), cmd)
		if err == nil {
			reply.Text = "Delegated to " + to + "."
		}
		return reply, err
	}
	r.slash("UANA", "delegate <@UBEN>")
	r.says(r.asked("UANA"), "ana@acme.example", true)
	r.told("UANA", "Delegated to UBEN.")
}

func TestAProofThatIsNotGivenRecordsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(provenRig, string)
		told   string
	}{
		"somebody says no": {func(r provenRig, code string) { r.says(code, "", false) }, "somebody said no"},
		"somebody else signs in": {func(r provenRig, code string) {
			r.says(code, "ben@acme.example", true)
		}, "is not you"},
		"Keyholder is ended": {func(r provenRig, _ string) { go func() { _ = r.stop() }() }, "what you showed or would have shown is lost"},
		"the question has changed": {func(r provenRig, code string) {
			r.desk.mu.Lock()
			r.desk.do = func(context.Context, workflows.Command) (workflows.Reply, error) {
				return workflows.Reply{}, workflows.Refuse("old_round",
					"The question has changed since. Look at the new card.")
			}
			r.desk.mu.Unlock()
			r.says(code, "ana@acme.example", true)
		}, "The question has changed since."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := withProvider(t)
			r.click("UANA", r.posted(testCard("UANA")), "transfer.confirm")
			c.answer(r, r.asked("UANA"))
			r.told("UANA", c.told)
			want := 0
			if name == "the question has changed" {
				want = 1 // asked with the proof, and refused
			}
			if n := len(r.counted()); n != want {
				t.Errorf("%d commands came with a proof, want %d", n, want)
			}
		})
	}
}

func TestAProviderThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	r := withProvider(t)
	r.idp.SetDown(true)
	p := r.posted(testCard("UANA"))
	r.click("UANA", p, "transfer.confirm")
	r.told("UANA", "Your identity provider cannot be reached, so nobody can show who they are. Nothing was recorded.")
	r.idp.SetDown(false)
	r.soon(func() bool {
		r.bot.proving.mu.Lock()
		defer r.bot.proving.mu.Unlock()
		return len(r.bot.proving.by) == 0
	})
	r.click("UANA", p, "transfer.confirm")
	r.says(r.asked("UANA"), "ana@acme.example", true)
	r.soon(func() bool { return len(r.counted()) == 1 })
}
