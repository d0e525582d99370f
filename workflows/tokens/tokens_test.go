package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/question"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is the watch of one account's tokens, in memory.
type world struct {
	t      failer
	now    time.Time
	n      int
	policy workflows.Policy
	emails map[string]string
	state  State
	view   workflows.View
	events []workflows.Event
}

var monday = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func newWorld(t failer) *world {
	w := &world{t: t, now: monday, policy: workflows.Policy{ID: "acme", Name: "Acme Production", Channel: "COPS",
		Token: true, Admins: []string{"UDEE", "UEVE"},
		WarnBefore: []time.Duration{14 * day, 7 * day, day},
		Access:     workflows.AccessPolicy{Environments: []workflows.Environment{{Name: "Sandbox", Token: true}}}}}
	w.do(workflows.Command{Name: Request, Actor: workflows.Actor{Kind: workflows.ByKeyholder}})
	return w
}

func (w *world) do(cmd workflows.Command) (workflows.Decision, error) {
	w.t.Helper()
	w.n++
	cmd.ID, cmd.Workflow, cmd.At = fmt.Sprintf("c%d", w.n), "n01-00000001", w.now
	m := Machine()
	f := workflows.Facts{Policy: w.policy, People: map[string]workflows.Person{}, ByEmail: map[string]string{}}
	needs := m.Needs(w.state, cmd, w.policy, workflows.AccountState{})
	for _, email := range needs.Emails {
		f.ByEmail[email] = w.emails[email]
	}
	for _, id := range needs.People {
		f.People[id] = workflows.Person{ID: id}
	}
	d, err := m.Decide(w.state, cmd, f)
	if err != nil {
		return d, err
	}
	var s workflows.State = w.state
	for _, e := range d.Events {
		if s, err = m.Apply(s, e); err != nil {
			w.t.Fatalf("apply %s: %v", e.Type, err)
		}
		if text := m.Tell(e); text == "" || strings.Contains(text, "%!") {
			w.t.Fatalf("%s is told as %q", e.Type, text)
		}
	}
	raw, _ := json.Marshal(s)
	back, err := m.Decode(raw)
	if err != nil {
		w.t.Fatalf("decode: %v", err)
	}
	w.state, w.view, w.events = back.(State), m.View(back), append(w.events, d.Events...)
	for _, c := range w.view.Cards {
		if text := c.Title + strings.Join(c.Lines, ""); strings.Contains(text, "%!") || c.Fallback == "" {
			w.t.Fatalf("card %s: %q", c.Name, text)
		}
	}
	return d, nil
}

func (w *world) lists(env string, all ...workflows.Token) int {
	w.t.Helper()
	d, err := w.do(workflows.Command{Name: workflows.CmdReceipt, Actor: workflows.Actor{Kind: workflows.ByIntegrator},
		Receipt: &workflows.Receipt{Op: workflows.OpTokens, Environment: env, OK: true,
			Tokens: &workflows.Tokens{At: w.now, Tokens: all}}})
	if err != nil {
		w.t.Fatalf("a list: %v", err)
	}
	return len(d.Events)
}

// wait lets the timers fire.
func (w *world) wait(d time.Duration) (fired int) {
	w.t.Helper()
	until := w.now.Add(d)
	for range 50 {
		if len(w.view.Timers) == 0 || w.view.Timers[0].At.After(until) {
			w.now = until
			return fired
		}
		if at := w.view.Timers[0]; at.At.After(w.now) {
			w.now = at.At
		}
		t := w.view.Timers[0]
		got, err := w.do(workflows.Command{Name: workflows.CmdTimer, Actor: workflows.Actor{Kind: workflows.ByTimer},
			Timer: &t})
		if err != nil || len(got.Events) == 0 {
			w.t.Fatalf("the timer %v is wanted and changes nothing: %v", t, err)
		}
		fired++
	}
	w.t.Fatalf("timers never end")
	return 0
}

func (w *world) says(who, action string, n int) error {
	_, err := w.do(workflows.Command{Name: action, Round: n, Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who}})
	return err
}

func (w *world) card(name string) string {
	for _, c := range w.view.Cards {
		if c.Name == name {
			return c.Title + "\n" + strings.Join(c.Lines, "\n")
		}
	}
	return ""
}

func token(id, name string, full bool, scope ...string) workflows.Token {
	return workflows.Token{ID: id, Name: name, Kind: workflows.TokenOfAccount, Full: full, Scope: scope}
}

func TestTheFirstListIsTheBaselineAndWhatIsNewOrGrewIsFound(t *testing.T) {
	w := newWorld(t)
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 2"))
	if len(w.state.Findings) > 0 {
		t.Fatalf("the baseline found %+v", w.state.Findings)
	}
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 3"),
		token("3", "New", true), token("4", "Small", false, "exports: 1"))
	if n := len(w.state.Findings); n != 2 || !strings.Contains(w.card("finding-1"),
		"connections: 3, before connections: 2") || !strings.Contains(w.card("finding-2"), "“New”") {
		t.Fatalf("found %+v", w.state.Findings)
	}
	if err := w.says("UANA", ActAdopt, 1); err == nil {
		t.Error("somebody else adopted")
	}
	if err := w.says("UDEE", ActAsk, 2); err != nil || !strings.Contains(w.card("whose-2"),
		"Whose is the API token “New”") {
		t.Errorf("asking: %v, %q", err, w.card("whose-2"))
	}
	if err := w.says("UDEE", ActAdopt, 1); err != nil || !strings.Contains(w.card("finding-1"), "Expected by <@UDEE>") {
		t.Errorf("adopting: %v", err)
	}
	var r *workflows.Refusal
	if err := w.says("UEVE", ActAdopt, 1); !errors.As(err, &r) || r.Code != "closed" {
		t.Errorf("adopting twice: %v", err)
	}
	gone := token("3", "New", true)
	gone.Revoked = true
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 3"), gone)
	if !strings.Contains(w.card("finding-2"), "revoked or gone") || len(w.state.Findings) != 2 {
		t.Errorf("a revoked one: %q", w.card("finding-2"))
	}
	if w.lists("Sandbox", token("9", "Old", true)); len(w.state.Findings) != 2 {
		t.Error("the baseline of another environment found something")
	}
}

// traced has the audit log tell who did something to a token.
func (w *world) traced(id string, emails ...string) {
	w.t.Helper()
	_, err := w.do(workflows.Command{Name: workflows.CmdReceipt, Actor: workflows.Actor{Kind: workflows.ByIntegrator},
		Receipt: &workflows.Receipt{Effect: "e" + id, Op: workflows.OpTrace, OK: true,
			Trace: &workflows.Trace{Token: id, Email: emails[0], Others: emails[1:], At: w.now}}})
	if err != nil {
		w.t.Fatalf("the audit log: %v", err)
	}
}

// offered are who is offered to adopt a finding.
func (w *world) offered(name string) string {
	var out []string
	for _, c := range w.view.Cards {
		for _, b := range c.Buttons {
			if c.Name == name && b.Action == ActAdopt {
				out = append(out, c.Recipient)
			}
		}
	}
	return strings.Join(out, " ")
}

// four is an account whose administrators are approved by two people, and other accesses by one.
func four(t failer) *world {
	w := newWorld(t)
	w.policy.Access.Quorum, w.policy.Access.AdministratorQuorum = 1, 2
	w.policy.Aliases = []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"UANA", "UBEN"}}}
	w.emails = map[string]string{"dee@acme.example": "UDEE", "eve@acme.example": "UEVE", "ana@acme.example": "UANA"}
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 2"))
	return w
}

func code(err error) string {
	var r *workflows.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return fmt.Sprint(err)
}

func TestFullAccessIsExpectedByAsManyAsApproveAnAdministrator(t *testing.T) {
	w := four(t)
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 3"), token("3", "New", true))
	if err := w.says("UDEE", ActAdopt, 1); err != nil || w.state.Findings[0].Over != "UDEE" {
		t.Errorf("a limited one takes one word: %v, %+v", err, w.state.Findings[0])
	}
	if err := w.says("UDEE", ActAdopt, 2); err != nil || w.state.Findings[1].Over != "" {
		t.Fatalf("one word was enough for full access, or none: %v", err)
	}
	if got := w.card("finding-2"); !strings.Contains(got, "(1 of 2)") ||
		!strings.Contains(got, "To take it as expected takes 2 people, as an administrator's access does.") {
		t.Errorf("the card: %q", got)
	}
	if got := code(w.says("UDEE", ActAdopt, 2)); got != "already_voted" || w.offered("finding-2") != "UEVE" {
		t.Errorf("a second word of the same: %s, offered to %s", got, w.offered("finding-2"))
	}
	if got := code(w.says("UOLI", ActAdopt, 2)); got != "not_permitted" {
		t.Errorf("somebody else: %s", got)
	}
	if err := w.says("UEVE", ActAdopt, 2); err != nil || !strings.Contains(w.card("finding-2"),
		"Expected by <@UDEE> and <@UEVE>") {
		t.Errorf("the second: %v, %q", err, w.card("finding-2"))
	}
}

func TestWhoeverMadeATokenDoesNotExpectIt(t *testing.T) {
	w := four(t)
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 2"), token("3", "New", true))
	if err := w.says("UDEE", ActAdopt, 1); err != nil {
		t.Fatal(err)
	}
	w.traced("3", "Dee@acme.example", "ana@acme.example") // Dee's word of before counts no more
	if got := w.card("finding-1"); !strings.Contains(got, "Dee@acme.example made or changed it") ||
		strings.Contains(got, "(1 of 2)") ||
		!strings.Contains(got, "before that ana@acme.example") {
		t.Errorf("the card: %q", got)
	}
	if got := w.offered("finding-1"); got != "UEVE UBEN" {
		t.Errorf("offered to %s: the holders are told where the administrators are not enough", got)
	}
	for _, who := range []string{"UDEE", "UANA"} {
		if got := code(w.says(who, ActAdopt, 1)); got != "named" && got != "already_voted" {
			t.Errorf("%s: %s", who, got)
		}
	}
	if err := w.says("UEVE", ActAdopt, 1); err != nil || w.state.Findings[0].Over != "" {
		t.Fatalf("Eve's word with that of the maker was enough: %v", err)
	}
	if err := w.says("UBEN", ActAdopt, 1); err != nil || w.state.Findings[0].Over != "UBEN" {
		t.Errorf("Ben: %v", err)
	}
}

func TestWhatGrewOnceMoreIsAskedAnew(t *testing.T) {
	w := four(t)
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", false, "connections: 3"))
	w.lists("", token("1", "Keyholder", true), token("2", "Warehouse", true))
	if got := code(w.says("UDEE", ActAdopt, 1)); got != "closed" || !strings.Contains(w.card("finding-1"),
		"a newer card asks") {
		t.Errorf("the old card: %s, %q", got, w.card("finding-1"))
	}
	if got := w.card("finding-2"); !strings.Contains(got, "full access, before connections: 2") {
		t.Errorf("the new card: %q", got)
	}
	if err := w.says("UDEE", ActAdopt, 2); err != nil || w.state.Findings[1].Over != "" {
		t.Errorf("one word was enough: %v", err)
	}
}

func TestAFindingFromBeforeTakesAsManyToo(t *testing.T) {
	w := four(t)
	w.lists("", token("1", "Keyholder", true), token("3", "New", true))
	w.state.Findings[0].Taking = question.Expected{}
	if err := w.says("UDEE", ActAdopt, 1); err != nil || w.state.Findings[0].Over != "" {
		t.Fatalf("one word was enough: %v", err)
	}
	if err := w.says("UEVE", ActAdopt, 1); err != nil || w.state.Findings[0].Over != "UEVE" {
		t.Errorf("the second: %v", err)
	}
}

func TestTheEndOfTheOwnTokenIsToldOnceForEachDistance(t *testing.T) {
	w := newWorld(t)
	own := token("1", "Keyholder", true)
	own.Ends = monday.Add(20 * day)
	w.lists("", own, token("2", "Small", false))
	if s := w.state.Own().Sentence(); !strings.Contains(s, "“Keyholder”: of the account, ends") {
		t.Errorf("the own token: %s", s)
	}
	if n := w.wait(5 * day); n != 0 {
		t.Errorf("told %d times 15 days before", n)
	}
	if n := w.wait(30 * day); n != 4 || len(w.state.Warnings) != 4 {
		t.Errorf("told %d times until it had ended, want 4: %+v", n, w.state.Warnings)
	}
	own.Ends = w.now.Add(10 * day)
	if w.lists("", own); w.wait(0) != 1 { // 14 days before is past: that is told at once, and 7 days before in its time
		t.Errorf("a newer one: %+v", w.state.Warnings)
	}
	if n := w.wait(4 * day); n != 1 {
		t.Errorf("told %d times at 7 days", n)
	}
}

func TestWhichTokenIsTheOwn(t *testing.T) {
	full, other, small := token("1", "A", true), token("2", "B", true), token("3", "C", false)
	off := other
	off.Revoked = true
	for name, c := range map[string]struct {
		all  []workflows.Token
		name string
		ends time.Time
		want string // its name, "file", or "" for unknown
	}{
		"the only full one":       {[]workflows.Token{full, small}, "", time.Time{}, "A"},
		"two full ones":           {[]workflows.Token{full, other}, "", time.Time{}, ""},
		"one of them revoked":     {[]workflows.Token{full, off}, "", time.Time{}, "A"},
		"named":                   {[]workflows.Token{full, other, small}, "c", time.Time{}, "C"},
		"named and not there":     {[]workflows.Token{full}, "D", monday, "file"},
		"unreadable, by the file": {nil, "", monday, "file"},
		"unreadable":              {nil, "", time.Time{}, ""},
		"the name comes twice":    {[]workflows.Token{full, {ID: "9", Name: "a"}}, "A", time.Time{}, ""},
	} {
		own := OwnOf(c.all, c.name, c.ends)
		got := ""
		if own.Known {
			if got = own.Name; own.ByFile {
				got = "file"
			}
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %q", name, own, c.want)
		}
	}
}

// Whatever lists come, a finding is open for a token that is there, once, and the state is the fold of its events.
func TestWhateverListsCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.policy.WarnBefore = []time.Duration{7 * day}
		for range rapid.IntRange(1, 15).Draw(t, "lists") {
			var all []workflows.Token
			for id := range 4 {
				if rapid.Bool().Draw(t, "there") {
					x := token(fmt.Sprint(id), fmt.Sprint("T", id), rapid.Bool().Draw(t, "full"),
						fmt.Sprintf("exports: %d", rapid.IntRange(1, 3).Draw(t, "n")))
					x.Revoked = rapid.IntRange(0, 4).Draw(t, "revoked") == 0
					all = append(all, x)
				}
			}
			if w.lists("", all...); w.lists("", all...) != 0 {
				t.Fatal("the same list twice changes something")
			}
			open := map[string]bool{}
			for _, f := range w.state.Findings {
				if f.Over != "" {
					continue
				}
				if open[f.Token.ID] {
					t.Fatalf("two findings are open about %s", f.Token.ID)
				}
				open[f.Token.ID] = true
				there := false
				for _, x := range all {
					there = there || x.ID == f.Token.ID && !x.Revoked
				}
				if !there {
					t.Fatalf("a finding is open about %s, which is gone", f.Token.ID)
				}
			}
			if n := len(w.state.Findings); n > 0 && rapid.Bool().Draw(t, "adopt") {
				_ = w.says("UDEE", ActAdopt, w.state.Findings[n-1].N)
			}
			w.now = w.now.Add(time.Hour)
		}
		again, err := kinds.Apply(State{}, w.events...)
		a, _ := json.Marshal(again)
		b, _ := json.Marshal(w.state)
		if err != nil || string(a) != string(b) {
			t.Fatalf("folded anew it is another one: %v", err)
		}
	})
}
