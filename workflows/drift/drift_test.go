package drift

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

var (
	monday    = time.Date(2026, 11, 23, 9, 14, 0, 0, time.UTC)
	keyholder = workflows.Actor{Kind: workflows.ByKeyholder}
)

// facts are those of an account with a token, which Dee administers and Ana and Ben hold.
func facts() workflows.Facts {
	f := workflows.Facts{Shards: 16, People: map[string]workflows.Person{}, ByEmail: map[string]string{}}
	f.Policy = workflows.Policy{
		ID: "acme", Name: "Acme Production", Token: true, Admins: []string{"UDEE"}, Channel: "COPS",
		Aliases: []workflows.Alias{{Email: "celigo@acme.example", Holders: []string{"UANA", "UBEN"}}},
		Access:  workflows.AccessPolicy{Quorum: 1, AdministratorQuorum: 2, DriftEvery: 6 * time.Hour},
	}
	f.Account = workflows.AccountState{ID: "acme", Owner: "jane@acme.example"}
	for id, email := range map[string]string{"UDEE": "dee@acme.example", "UANA": "ana@acme.example",
		"UBEN": "ben@acme.example"} {
		f.People[id] = workflows.Person{ID: id, Email: email, EmailConfirmed: true, At: monday}
		f.ByEmail[email] = id
	}
	return f
}

// TestACensusOfManyIsComparedWithWhatIsKnown: of five thousand users one has changed, and one card
// is written; the state stays small enough to be stored with each look.
func TestACensusOfManyIsComparedWithWhatIsKnown(t *testing.T) {
	c := &workflows.Census{}
	for i := range 5000 {
		c.Users = append(c.Users, workflows.User{
			ID: fmt.Sprint("u", i), Email: fmt.Sprintf("%c%d@acme.example", 'a'+i%26, i), Role: "monitor",
			Status: "accepted",
		})
	}
	s := WatchState{Watched: Watched{Every: time.Hour}, Baseline: monday, Base: usersOf(c)}
	s.Opening = workflows.Opening{ID: "d07-1", AccountID: "acme"}
	c.Users[17].Role = workflows.RoleAdministrator
	begun := time.Now()
	d := s.compare(workflows.Command{ID: "x", At: monday}, facts(), c)
	if len(d.Calls) != 1 {
		t.Fatalf("%d calls", len(d.Calls))
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	raw, err := json.Marshal(s)
	if err != nil || len(raw) > 1<<20 {
		t.Errorf("the state has %d bytes (%v)", len(raw), err)
	}
}

// TestUndoingIsWhatTheGivenFunctionsSay: a finding opens the request that it asks about, and nothing
// when that would be refused.
func TestUndoingIsWhatTheGivenFunctionsSay(t *testing.T) {
	for name, refused := range map[string]error{"opened": nil, "refused": workflows.Refuse("access_open",
		"It is being changed already.")} {
		t.Run(name, func(t *testing.T) {
			var asked workflows.AccessUndo
			m := Finding(Undoing{
				Needs: func(workflows.Command, workflows.Policy, workflows.AccountState) workflows.Needs {
					return workflows.Needs{People: []string{"UDEE"}}
				},
				Would: func(cmd workflows.Command, _ workflows.Facts) error {
					asked, _ = workflows.UndoAccess.Body(cmd)
					return refused
				},
			})
			f := facts()
			call := findingRequest.To("acme", "f07-00000001", found{
				Email: "eve@acme.example", Was: workflows.Absent, Now: "accepted/manage", Watcher: "d07-1",
				User: "p-eve",
			})
			s := fold(t, m, m.New(), workflows.Command{ID: "c1", Workflow: call.ID, Account: "acme",
				Name: call.Command, Input: call.Input,
				Actor: keyholder, At: monday, Round: workflows.NoRound, Submitted: true}, f)
			undo := workflows.Command{ID: "c2", Workflow: call.ID, Account: "acme", Name: ActUndo, At: monday,
				Round: workflows.NoRound,
				Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "UDEE"}}
			d, err := m.Decide(s, undo, f)
			if err != refused || asked.Email != "eve@acme.example" || asked.Change != workflows.ChangeRemove ||
				asked.Requester != "UDEE" {
				t.Fatalf("asked %+v: %v", asked, err)
			}
			if opens := len(d.Calls) > 0 && d.Calls[0].Command == "access.request"; opens != (refused == nil) {
				t.Errorf("calls %+v", d.Calls)
			}
		})
	}
}

func fold(t *testing.T, m workflows.Machine, s workflows.State, cmd workflows.Command,
	f workflows.Facts) workflows.State {
	t.Helper()
	d, err := m.Decide(s, cmd, f)
	if err != nil || len(d.Events) == 0 {
		t.Fatalf("%s: %v, %d events", cmd.Name, err, len(d.Events))
	}
	for _, e := range d.Events {
		if s, err = m.Apply(s, e); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// FuzzDecide throws anything at both machines.
func FuzzDecide(f *testing.F) {
	f.Add("receipt", "", "{}", `{"id":"d07-1","baseline":"2026-01-01T00:00:00Z"}`, -1, false)
	f.Add("drift.closed", "", `{"user":"p-eve","now":"x"}`, `{"id":"d07-1","open":{"p-eve":{"was":"absent"}}}`,
		1, false)
	f.Add("access.undo", "UDEE", "custom[",
		`{"id":"f07-1","managers":["UDEE"],"to":["UDEE"],"was":"accepted/custom[a,;","now":"x"}`, 0, true)
	f.Add("finding.changed", "", `{"now":"accepted/manage"}`,
		`{"id":"f07-1","was":"absent","now":"accepted/monitor"}`, 1, true)
	f.Add("receipt", "", "trace",
		`{"id":"f07-1","managers":["UDEE"],"traces":1,"was":"absent","now":"accepted/manage"}`, 2, true)
	undoing := Undoing{
		Needs: func(workflows.Command, workflows.Policy,
			workflows.AccountState) workflows.Needs {
			return workflows.Needs{}
		},
		Would: func(workflows.Command, workflows.Facts) error { return nil },
	}
	f.Fuzz(func(t *testing.T, name, who, text, state string, round int, finding bool) {
		m := Watcher()
		if finding {
			m = Finding(undoing)
		}
		s, err := m.Decode([]byte(state))
		if err != nil {
			s = m.New()
		}
		cmd := workflows.Command{ID: "x", Workflow: "f07-1", Account: "acme", Name: name, At: monday,
			Round: round, Submitted: round%2 == 0,
			Actor: workflows.Actor{Kind: workflows.ByPerson, ID: who},
			Input: map[string]string{blockReason: text, "message": text}}
		switch {
		case name == workflows.CmdTimer:
			cmd.Timer = &workflows.Timer{Name: text, At: monday}
		case name == workflows.CmdReceipt:
			cmd.Receipt = &workflows.Receipt{
				Op: text, OK: round%2 == 0, Code: text, Message: text,
				Census: &workflows.Census{Users: []workflows.User{{Email: text}}},
				Trace:  &workflows.Trace{Email: text, Name: who, Source: text}, User: &workflows.User{Email: text,
					Status: who},
			}
		case round&1 > 0:
			cmd.Actor = keyholder
		}
		m.Needs(s, cmd, facts().Policy, facts().Account)
		d, err := m.Decide(s, cmd, facts())
		if err == nil {
			for _, e := range d.Events {
				if s, err = m.Apply(s, e); err != nil {
					t.Fatalf("apply %s: %v", e.Type, err)
				}
			}
		}
		_ = m.View(s)
		_ = fmt.Sprint(s.Title(), s.StageName(), m.Tell(workflows.Event{Type: name, Body: []byte(text)}))
	})
}
