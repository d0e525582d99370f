package review

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// inForm gives a command of a form as it was opened when so many edits had been made.
func (w *world) inForm(who, action, id string, edits int, in map[string]string) error {
	w.t.Helper()
	submitted := action == FormPacket || action == ActReassign
	return w.do(workflows.Command{Workflow: id, Name: action, View: "V1", Submitted: submitted, Round: edits, Input: in,
		Page:  1,
		Actor: workflows.Actor{Kind: workflows.ByPerson, ID: "U" + strings.ToUpper(who), Team: "TACME"}})
}

// A form that was opened earlier never undoes what was decided later, from another device of the
// same person as little as by somebody else.
func TestAFormOnAnotherDeviceNeverUndoesWhatWasDecidedLater(t *testing.T) {
	w := alone(t, nil)
	p := w.packets()[0]
	lou, max := w.rowOf(p, "lou@acme.example"), w.rowOf(p, "max@acme.example")
	phone := p.Edits // the form is open on the phone
	if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + lou: population.Remove}, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.inForm("Dee", FormPacket, p.ID, phone, map[string]string{BlockRow + lou: population.Keep,
		BlockRow + max: population.Keep}); err != nil {
		t.Fatal(err)
	}
	if v := w.verdict("lou@acme.example"); v.Decision != population.Remove || !strings.Contains(w.last.Text,
		"you have, from elsewhere, changed row "+lou) {
		t.Errorf("%+v, told %q", v, w.last.Text)
	}
	if v := w.verdict("max@acme.example"); v.Decision != population.Keep {
		t.Errorf("the rest of the form was lost: %+v", v)
	}
	if err := w.inForm("Dee", ActUndo, p.ID, phone, nil); err != nil {
		t.Fatal(err)
	}
	if v := w.verdict("max@acme.example"); v.Decision != population.Keep {
		t.Errorf("an older form took back what it does not show: %+v", v)
	}
	if err := w.click("Dee", ActUndo, p.ID, map[string]string{}, 0); err != nil { // on the desk, where it is seen
		t.Fatal(err)
	}
	if err := w.inForm("Dee", ActKeepAll, p.ID, phone, nil); err != nil {
		t.Fatal(err)
	}
	if v := w.verdict("max@acme.example"); v.Decision != "" {
		t.Errorf("kept together from an older form after it was taken back: %+v", v)
	}
}

func TestAnOlderFormGivesNothingAway(t *testing.T) {
	w := alone(t, nil)
	p := w.packets()[0]
	if err := w.click("Dee", ActReassign, p.ID, map[string]string{BlockPerson: "UCAT", BlockNote: "please"},
		0); err != nil {
		t.Fatal(err)
	}
	// Dee administers
	err := w.inForm("Dee", ActReassign, p.ID, p.Round, map[string]string{BlockPerson: "UBEN", BlockNote: "no, you"})
	if now := w.packets()[0]; !slices.Equal(now.Reviewers, []string{"UCAT"}) ||
		!strings.Contains(w.last.Errors[BlockPerson], "Nothing was recorded") {
		t.Errorf("%v: with %v, told %+v", err, now.Reviewers, w.last)
	}
}

// An address that nobody confirmed, one with a tag, and one that somebody had before are theirs all
// the same.
func TestNobodyDecidesTheirOwnRowUnderAnotherOfTheirAddresses(t *testing.T) {
	for name, become := range map[string]func(*workflows.Person){
		"unconfirmed": func(p *workflows.Person) { p.Email, p.Unconfirmed = "", "lou@acme.example" },
		"with a tag":  func(p *workflows.Person) { p.Email = "lou+slack@acme.example" },
		"formerly":    func(p *workflows.Person) { p.Email = "lou@acme.example" },
	} {
		w := alone(t, nil)
		p := w.packets()[0]
		dee := w.people["UDEE"]
		was := dee
		become(&dee)
		w.people["UDEE"] = dee
		lou, max := w.rowOf(p, "lou@acme.example"), w.rowOf(p, "max@acme.example")
		if name == "formerly" { // seen once while something else was decided
			if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + max: population.Keep},
				0); err != nil {
				t.Fatal(err)
			}
			w.people["UDEE"] = was
		}
		if err := w.click("Dee", FormPacket, p.ID, map[string]string{BlockRow + lou: population.Keep}, 0); err != nil {
			t.Fatal(err)
		}
		if v := w.verdict("lou@acme.example"); v.Decision != "" || !strings.Contains(w.last.Text, "about yourself") {
			t.Errorf("%s: %+v, told %q", name, v, w.last.Text)
		}
	}
}

func TestWhatHasAFlagIsNeverKeptTogether(t *testing.T) {
	w := newWorld(t)
	for i := range w.users[""] {
		if w.users[""][i].Email == "lou@acme.example" {
			w.users[""][i].MFA = false
		}
	}
	w.policy.Review.Reviewers = []string{"UDEE"}
	if err := w.start("Dee"); err != nil {
		t.Fatal(err)
	}
	w.drain()
	id := w.packet("Dee").ID
	if err := w.click("Dee", ActKeepAll, id, map[string]string{}, 0); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.packets() {
		for i, r := range p.Rows {
			if v := p.Verdicts[i]; len(r.Flags) > 0 && v.Bulk {
				t.Errorf("%s with %v was kept together", r.Email, r.Flags)
			}
		}
	}
	if v := w.verdict("lou@acme.example"); v.Decision != "" {
		t.Errorf("%+v", v)
	}
}

// The same addresses count when the rows are shared out.
func TestARowIsNeverSharedOutToWhoeverItIsAbout(t *testing.T) {
	for name, become := range map[string]func(*workflows.Person){
		"unconfirmed": func(p *workflows.Person) {
			p.Email, p.EmailConfirmed, p.Unconfirmed = "", false,
				"lou@acme.example"
		},
		"with a tag": func(p *workflows.Person) { p.Email = "lou+slack@acme.example" },
	} {
		w := alone(t, func(w *world) {
			dee := w.people["UDEE"]
			become(&dee)
			w.people["UDEE"] = dee
		})
		for _, p := range w.packets() {
			for _, r := range p.Rows {
				if r.Email == "lou@acme.example" && slices.Contains(p.Reviewers, "UDEE") && r.Exception == "" {
					t.Errorf("%s: Dee reviews her own row", name)
				}
			}
		}
	}
}
