package machinetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Failer is a test, or a property's.
type Failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Town is what is around the workflows of one account: its policy and record, the people and their
// delegations, and the time. The worlds of all machines' tests stand in one.
type Town struct {
	T           Failer
	Now         time.Time
	Policy      workflows.Policy
	People      map[string]workflows.Person
	Groups      map[string][]string
	Delegations []approvals.Delegation
	Account     workflows.AccountState
}

// UserID is the Slack ID of somebody in a story.
func UserID(name string) string { return "U" + strings.ToUpper(name) }

// Name puts people into the town who are there, with a confirmed address.
func (w *Town) Name(names ...string) {
	for _, name := range names {
		w.Meet(name, "")
	}
}

// Meet puts one into the town, with a standing ("" for a full member).
func (w *Town) Meet(name, standing string) {
	if w.People == nil {
		w.People = map[string]workflows.Person{}
	}
	id := UserID(name)
	w.People[id] = workflows.Person{ID: id, Team: "TACME", Name: name, Email: strings.ToLower(name) + "@acme.example",
		EmailConfirmed: true, Standing: standing}
}

// Stand changes the standing of somebody, as when they are deactivated and come back.
func (w *Town) Stand(name, standing string) {
	p := w.People[UserID(name)]
	p.Standing = standing
	w.People[UserID(name)] = p
}

// Facts answers what a machine says it needs, and nothing else. By an address Slack finds nobody who is deactivated.
func (w *Town) Facts(n workflows.Needs) workflows.Facts {
	f := workflows.Facts{Policy: w.Policy, Shards: 16, Account: w.Account, People: map[string]workflows.Person{},
		Groups: map[string][]string{}, ByEmail: map[string]string{}}
	for _, id := range slices.Concat(n.People, n.Delegations) {
		if workflows.IsGroup(id) {
			f.Groups[id] = append([]string{}, w.Groups[id]...)
		}
	}
	for _, email := range n.Emails {
		for id, p := range w.People {
			if p.Standing != workflows.StandingDeactivated && workflows.SameEmail(p.Email, email) {
				f.ByEmail[email] = id
				n.People = append(n.People, id)
			}
		}
	}
	givers := f.Expand(n.Delegations)
	for _, d := range w.Delegations {
		if slices.Contains(givers, d.From) {
			f.Delegations = append(f.Delegations, d)
			n.People = append(n.People, d.To)
		}
	}
	for _, id := range f.Expand(slices.Concat(n.People, givers)) {
		p, known := w.People[id]
		if !known {
			p = workflows.Person{ID: id, Standing: workflows.StandingUnknown}
		}
		p.At = w.Now
		f.People[id] = p
	}
	return f
}

// Read is a text as its reader sees it: names for mentions, times in UTC.
func (w *Town) Read(text string) string {
	return workflows.Plain(text, func(id string) string { return w.People[id].Name })
}

// Decide is a machine's, with its promises checked: the same answer twice, the state left as it was,
// and nothing called for without an event.
func Decide(t Failer, m workflows.Machine, s workflows.State, cmd workflows.Command,
	facts workflows.Facts) (workflows.Decision, error) {
	t.Helper()
	was := Encode(t, s)
	d, err := m.Decide(s, cmd, facts)
	again, errAgain := m.Decide(s, cmd, facts)
	if !bytes.Equal(Encode(t, d), Encode(t, again)) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		t.Fatalf("%s: deciding twice gave two answers:\n%s\n%s", cmd.Name, Encode(t, d), Encode(t, again))
	}
	if !bytes.Equal(was, Encode(t, s)) {
		t.Fatalf("%s: deciding changed the state", cmd.Name)
	}
	if (err != nil || len(d.Events) == 0) && len(d.Calls)+len(d.Account) > 0 {
		t.Fatalf("%s: calls or account events without an event", cmd.Name)
	}
	return d, err
}

// Apply is a machine's, with its promises checked: the state given stays as it was, and the one
// answered went through the store's encoding unchanged.
func Apply(t Failer, m workflows.Machine, s workflows.State, e workflows.Event) workflows.State {
	t.Helper()
	was := Encode(t, s)
	next, err := m.Apply(s, e)
	if err != nil {
		t.Fatalf("apply %s: %v", e.Type, err)
	}
	first := Encode(t, next)
	if _, err := m.Apply(s, e); err != nil || !bytes.Equal(first, Encode(t, next)) {
		t.Fatalf("apply %s: applying it again changed the first answer (%v)", e.Type, err)
	}
	if !bytes.Equal(was, Encode(t, s)) {
		t.Fatalf("apply %s changed the state it was given", e.Type)
	}
	stored, err := m.Decode(first)
	if err != nil {
		t.Fatalf("decode after %s: %v", e.Type, err)
	}
	if !bytes.Equal(first, Encode(t, stored)) {
		t.Fatalf("after %s the state does not survive its encoding:\n%s\n%s", e.Type, first, Encode(t, stored))
	}
	return stored
}

// Encode is a value as JSON, for comparing.
func Encode(t Failer, x any) []byte {
	t.Helper()
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}
