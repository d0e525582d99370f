package bot

import (
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows"
)

// What ends something never stands where a finger was about to answer.
func TestDetailsStandLastOrBeforeWhatEndsSomething(t *testing.T) {
	confirm := workflows.Button{Action: "transfer.confirm", Label: "Confirm", Style: workflows.Primary}
	cancel := workflows.Button{Action: "transfer.cancel", Label: "Cancel transfer…", Style: workflows.Danger}
	for _, c := range []struct {
		buttons []workflows.Button
		details []string
		want    string
	}{
		{[]workflows.Button{confirm, cancel}, []string{"x"}, "transfer.confirm transfer.cancel transfer.details"},
		{[]workflows.Button{cancel}, []string{"x"}, "transfer.details transfer.cancel"},
		{nil, []string{"x"}, "transfer.details"},
		{[]workflows.Button{cancel}, nil, "transfer.cancel"},
	} {
		var got []string
		for _, b := range draw.WithDetails(workflows.Card{Buttons: c.buttons, Details: c.details}, "transfer") {
			got = append(got, b.Action)
		}
		if all := strings.Join(got, " "); all != c.want {
			t.Errorf("%s instead of %s", all, c.want)
		}
	}
}

func TestDetailsAreShownToWhoeverHasTheCardAndDecideNothing(t *testing.T) {
	r := running(t, slacksim.Options{})
	long := strings.Repeat("One of many checks. ", 400)
	card := workflows.Card{Name: "main", Recipient: "UANA", Round: 3, Title: "Hand it?",
		Note: "Transfer " + someWorkflow, Details: []string{"Type {command} key.", long}}
	r.desk.cards = map[string]workflows.Card{someWorkflow + "/UANA": card}
	at := r.posted(card)
	r.click("UANA", at, "transfer.details")
	r.until(func(*slacksim.Snapshot) bool { return len(r.sim.Views("UANA")) == 1 })
	v := r.sim.Views("UANA")[0]
	if text := string(v.Blocks); !strings.Contains(text, "Type /io key.") ||
		strings.Count(text, "One of many checks.") != 400 || v.Submit != "" {
		t.Errorf("it can be sent with %q and shows %s", v.Submit, text)
	}
	if all := r.desk.seen(); len(all) != 0 {
		t.Errorf("the record was asked to decide %+v", all)
	}
	r.desk.cards = nil
	r.click("UANA", at, "transfer.details")
	r.told("UANA", "nothing more to say")
}

// Whoever may hand on one of several accounts chooses among those, and whoever may hand on none gets no form.
func TestNoFormForWhoMayNotSendIt(t *testing.T) {
	r := running(t, slacksim.Options{})
	other := workflows.AccountInfo{Policy: workflows.Policy{ID: "omega", Name: "Omega", Owner: "x@acme.example",
		Admins: []string{"UCAT"}}}
	r.desk.accounts = []workflows.AccountInfo{acme, other}
	if got := r.slash("UDEE", "transfer"); !strings.Contains(got, "you are none of these") ||
		len(r.sim.Views("UDEE")) != 0 {
		t.Errorf("Dee is told %q and shown %d forms", got, len(r.sim.Views("UDEE")))
	}
	r.slash("UCAT", "transfer")
	r.until(func(*slacksim.Snapshot) bool { return len(r.sim.Views("UCAT")) == 1 })
	if text := string(r.sim.Views("UCAT")[0].Blocks); strings.Contains(text, "Acme") || !strings.Contains(text,
		"Omega") {
		t.Errorf("Cat is offered %s", text)
	}
}
