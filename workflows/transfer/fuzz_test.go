package transfer

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// reached are states of every kind, reached on the usual road and a few others, with the world that knows their people.
func reached(t machinetest.Failer) map[string]*world {
	out := map[string]*world{}
	at := func(name string, road func(w *world)) {
		w := newWorld(t)
		w.out.join(mailbox, RoleMonitor)
		w.out.join("eve@acme.example", RoleMonitor)
		road(w)
		out[name] = w
	}
	asked := func(w *world) { w.ask("Dee"); w.deliverAll() }
	confirmed := func(w *world) { asked(w); w.click("Ana", "confirm"); w.click("Ben", "confirm") }
	cooled := func(w *world) { confirmed(w); w.wait(24 * time.Hour) }
	invited := func(w *world) { cooled(w); w.deliverAll() }
	at("checking", func(w *world) { w.ask("Dee") })
	at("blocked", func(w *world) { w.out.errors = []workflows.Count{{ID: "i", Name: "Orders", N: 2}}; asked(w) })
	at("preparing", func(w *world) { w.out.remove(mailbox); asked(w) })
	at("confirming", asked)
	at("cooling", confirmed)
	at("cooled", cooled)
	at("paused", func(w *world) {
		confirmed(w)
		w.out.errors = []workflows.Count{{ID: "i", Name: "Orders", N: 2}}
		w.wait(24 * time.Hour)
		w.deliverAll()
	})
	at("inviting", func(w *world) { cooled(w); w.deliver(delivered) })
	at("refused", func(w *world) { cooled(w); w.deliver(delivered); w.deliver("refused multiple_organizations") })
	at("by hand", func(w *world) { w.Policy.Token = false; cooled(w); w.deliverAll() })
	at("accepting", invited)
	at("ending", func(w *world) { invited(w); w.click("Ana", "decline", "no") })
	at("resending", func(w *world) { invited(w); w.click("Ana", "resend") })
	at("lost", func(w *world) { invited(w); w.out.transfers = nil; w.poll() })
	at("settling", func(w *world) { invited(w); w.out.accept(); w.poll() })
	at("removing", func(w *world) {
		w.request("Dee", map[string]string{BlockAccount: "acme", BlockAlias: mailbox, BlockReason: "x",
			BlockRole: RoleRemove})
		w.deliverAll()
		w.click("Ana", "confirm")
		w.click("Ben", "confirm")
		w.wait(24 * time.Hour)
		w.deliverAll()
		w.out.accept()
		w.poll()
		w.deliverAll()
		w.click("Cat", "settle", "help")
	})
	at("over", func(w *world) { asked(w); w.click("Ana", "refuse", "no") })
	return out
}

// FuzzDecide gives every stage commands that nobody should send: any name, any fields, receipts
// with everything missing.
func FuzzDecide(f *testing.F) {
	for _, name := range []string{Request, ActConfirm, ActSettle, ActWaive, workflows.CmdReceipt, workflows.CmdTimer,
		workflows.CmdDelegated, superseding.Command, "", "x"} {
		f.Add(name, "UANA", workflows.ByPerson, "because", "{}", int16(3))
	}
	for _, op := range []string{workflows.OpInspect, workflows.OpInviteOwner, workflows.OpWithdraw,
		workflows.OpInviteUser, workflows.OpSetRole, workflows.OpRemoveUser,
		workflows.OpRemoveAccess, workflows.OpWatchTransfer, workflows.OpWatchUser, "", "x"} {
		for _, rest := range []string{`"ok":true`, `"refused":true,"code":"forbidden"`, `"failed":true`,
			`"ok":true,"reading":{}`, `"ok":true,"transfer":{}`, `"ok":true,"user":{}`,
			`"ok":true,"transfer":{"status":"done","owner_listed":true}`, `"ok":true,"user":{"status":"dismissed"}`} {
			f.Add(workflows.CmdReceipt, "", workflows.ByIntegrator, "", `{"op":"`+op+`",`+rest+`}`, int16(-1))
		}
	}
	f.Add(workflows.CmdTimer, "", workflows.ByTimer, "expire", "{}", int16(-1))
	all := reached(f)
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	f.Fuzz(func(t *testing.T, name, who, kind, text, receipt string, round int16) {
		for _, stage := range names {
			w := all[stage]
			r := w.newest()
			cmd := workflows.Command{ID: "fuzz", Workflow: r.id, Account: "acme", Name: name,
				Actor: workflows.Actor{Kind: kind, ID: who}, At: w.Now, Round: int(round),
				Submitted: text != "", Input: map[string]string{BlockReason: text, BlockChecklist: text,
					BlockAlias: text, BlockPerson: who, BlockRole: text}}
			if round == 0 {
				cmd.Round = r.state.Round
			}
			if name == workflows.CmdTimer && text != "" {
				cmd.Timer = &workflows.Timer{Name: text, At: w.Now}
			}
			var answer workflows.Receipt
			if json.Unmarshal([]byte(receipt), &answer) == nil {
				cmd.Receipt = &answer
			}
			for _, s := range []State{r.state, {}} {
				mustSurvive(t, w, stage, s, cmd)
			}
		}
	})
}

// mustSurvive decides one command and applies what came of it.
func mustSurvive(t *testing.T, w *world, stage string, s State, cmd workflows.Command) {
	t.Helper()
	m := Machine()
	d, err := m.Decide(s, cmd, w.Facts(m.Needs(s, cmd, w.Policy, w.Account)))
	if err != nil && len(d.Events) > 0 {
		t.Fatalf("%s: a refusal with events", stage)
	}
	if s.Closed() && len(d.Events) > 0 {
		t.Fatalf("%s: a transfer that is over accepts %s", stage, cmd.Name)
	}
	st := workflows.State(s)
	for _, e := range d.Events {
		if st, err = m.Apply(st, e); err != nil {
			t.Fatalf("%s: apply its own %s: %v", stage, e.Type, err)
		}
		if m.Tell(e) == "" {
			t.Fatalf("%s: nothing is told of %s", stage, e.Type)
		}
	}
	v := m.View(st)
	if len(d.Events) > 0 && !st.Closed() && len(v.Timers) == 0 && len(d.Calls) == 0 && len(w.queue) == 0 {
		t.Fatalf("%s: after %s nothing will ever happen", stage, cmd.Name)
	}
}

// FuzzDecode reads states that nobody wrote: an error or a state that can be shown, never a panic.
func FuzzDecode(f *testing.F) {
	for _, w := range reached(f) {
		f.Add(machinetest.Encode(f, w.newest().state))
	}
	for _, s := range []string{"", "null", "[]", "{}", `{"stage":"accepting"}`, `{"stage":"refused","end":{}}`,
		`{"stage":"settling","settle":{"how":"verified"}}`,
		`{"stage":"cooling","reading":true}`, `{"ending":{}}`,
		`{"stage":"confirming","ballot":{"votes":[{}]},"asked":[""],"told":["",""]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		st, err := Machine().Decode(raw)
		if err != nil {
			return
		}
		Machine().View(st)
		_, _, _, _, _ = st.Opened(), st.Closed(), st.Account(), st.Title(), st.StageName()
	})
}

// FuzzApply folds events whose body nobody wrote.
func FuzzApply(f *testing.F) {
	for _, kind := range kinds.Types() {
		f.Add(kind, []byte("{}"))
		f.Add(kind, []byte("null"))
	}
	f.Add("transfer.unheard_of", []byte("{}"))
	f.Add(evEnded.Type, []byte(`{"outcome":"accepting"}`))
	all := reached(f)
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		for name, w := range all {
			e := workflows.Event{Type: kind, At: w.Now, Body: body}
			if text := kinds.Tell(e); text == "" {
				t.Fatalf("nothing is told of %s", kind)
			}
			next, err := Machine().Apply(w.newest().state, e)
			if err != nil {
				continue
			}
			Machine().View(next)
			if !slices.Contains(kinds.Types(), kind) {
				t.Fatalf("in %s an unknown event was applied", name)
			}
		}
	})
}

// A type of event carries the machine's name; that each is folded and told is what a Kind is.
func TestEveryEventCarriesTheMachinesName(t *testing.T) {
	for _, kind := range kinds.Types() {
		if !strings.HasPrefix(kind, "transfer.") {
			t.Errorf("%s does not carry the machine's name", kind)
		}
	}
}
