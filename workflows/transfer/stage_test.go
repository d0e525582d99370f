package transfer

import (
	"slices"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/machinetest"
)

// Every stage is asked for every field, in every state of it that the usual roads reach.
func TestEveryStageAnswersEverything(t *testing.T) {
	asked := map[string]bool{}
	all := reached(t)
	all["finishing"] = finishing(t)
	for name, w := range all {
		s := w.newest().state
		if s.Closed() {
			continue
		}
		st, known := stages[s.Stage]
		if !known {
			t.Fatalf("%s: there is no stage %q", name, s.Stage)
		}
		asked[s.Stage] = true
		for field, text := range map[string]string{"title": st.title(s), "now": st.now(s), "late": st.late()} {
			if text == "" {
				t.Errorf("%s: no %s", name, field)
			}
			w.mustReadWell(name+": "+field, text)
		}
		for _, who := range w.newest().state.Told {
			if st.notify(s, who) == "" || len(st.lines(s, who)) == 0 {
				t.Errorf("%s: %s is told nothing", name, who)
			}
			for _, b := range st.buttons(s, who) {
				if _, handled := clicks[b.Action]; !handled {
					t.Errorf("%s: nobody handles the button %s", name, b.Action)
				}
			}
		}
		if who := st.owing(s); len(who) > 0 && st.remind(s) == "" {
			t.Errorf("%s: %v are reminded of nothing", name, who)
		}
		for _, who := range st.waiting(s) {
			if !slices.Contains(s.Told, who) {
				t.Errorf("%s: %s is waited for without a card", name, who)
			}
		}
		for _, x := range st.watches(s) {
			if x.Name == "" || x.Every < 1 || x.Call.Account != s.AccountID {
				t.Errorf("%s: a watch %+v", name, x)
			}
		}
		if d, err := st.expire(s, w.timer(timerExpire)); err != nil || len(d.Events) == 0 != s.Until.IsZero() {
			t.Errorf("%s: nothing follows when its time is over: %v", name, err)
		}
	}
	for name := range stages {
		if !asked[name] {
			t.Errorf("stage %s was asked nothing: no road reaches it", name)
		}
	}
}

// finishing is a handover that left points open.
func finishing(t machinetest.Failer) *world {
	w := reached(t)["settling"]
	w.deliverAll()
	w.click("Cat", "settle", "help")
	return w
}

func (w *world) timer(name string) workflows.Command {
	r := w.newest()
	return workflows.Command{
		ID: "timer", Workflow: r.id, Account: "acme", Name: workflows.CmdTimer, At: w.Now,
		Actor: workflows.Actor{Kind: workflows.ByTimer}, Timer: &workflows.Timer{Workflow: r.id, Name: name, At: w.Now},
	}
}
