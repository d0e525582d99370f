package transfer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// The blocks and values of the form are a contract: what others submit is read by them.
func TestRequestFormKeepsItsContract(t *testing.T) {
	w := newWorld(t)
	other := w.Policy
	other.ID, other.Name, other.Aliases = "beta", "Beta", []workflows.Alias{{Email: "beta@acme.example"},
		{Email: mailbox}}
	both := []workflows.Policy{w.Policy, other}
	for _, c := range []struct {
		name     string
		policies []workflows.Policy
		account  string
		initial  string
		aliases  []string
	}{
		{"one account", both[:1], "", "acme", []string{mailbox}},
		{"two accounts, none named", both, "", "", []string{mailbox, "beta@acme.example"}},
		{"two accounts, one named", both, "beta", "beta", []string{"beta@acme.example", mailbox}},
	} {
		m := RequestModal(c.policies, c.account, monday)
		if m.Callback != "transfer.request" || m.Action != Request {
			t.Errorf("%s: callback %s, action %s", c.name, m.Callback, m.Action)
		}
		var blocks, aliases, roles []string
		for _, in := range m.Inputs {
			blocks = append(blocks, in.Block+" "+in.Kind)
			for _, o := range in.Options {
				switch in.Block {
				case BlockAlias:
					aliases = append(aliases, o.Value)
				case BlockRole:
					roles = append(roles, o.Value)
				}
				if len([]rune(o.Label)) > 75 || len([]rune(o.Description)) > 75 || len(o.Value) > 150 {
					t.Errorf("%s: option %s does not fit", c.name, o.Value)
				}
			}
		}
		want := []string{"account static_select", "new_owner_alias static_select", "new_owner_person users_select",
			"reason plain_text_input", "previous_owner_role static_select"}
		if !slices.Equal(blocks, want) {
			t.Errorf("%s: blocks %q", c.name, blocks)
		}
		if !slices.Equal(aliases, c.aliases) {
			t.Errorf("%s: aliases %q", c.name, aliases)
		}
		if !slices.Equal(roles, []string{"manage", "administrator", "monitor", "remove"}) {
			t.Errorf("%s: roles %q", c.name, roles)
		}
		if m.Inputs[0].Initial != c.initial {
			t.Errorf("%s: account %q is chosen", c.name, m.Inputs[0].Initial)
		}
	}
}

func TestRequestFormSaysWhenItMayBeDone(t *testing.T) {
	w := newWorld(t)
	text := strings.Join(RequestModal([]workflows.Policy{w.Policy}, "", monday).Intro, "\n")
	w.mustReadWell("the form", text)
	shown := w.read(text)
	for _, want := range []string{"2 confirmations", "are needed", "24 hours", "Earliest finish: Tue 24 Nov, 09:14",
		"Fri 7 Dec"} {
		if want == "Fri 7 Dec" {
			want = monday.Add((120 + 72 + 24 + 120) * time.Hour).Format("Mon 2 Jan, 15:04")
		}
		if !strings.Contains(shown, want) {
			t.Errorf("%q is missing in %q", want, shown)
		}
	}
	w.Policy.Transfer.Quorum = 1
	text = w.read(RequestModal([]workflows.Policy{w.Policy}, "", monday).Intro[0])
	if !strings.HasPrefix(text, "1 confirmation ") || !strings.Contains(text, " is needed") {
		t.Errorf("a quorum of one reads %q", text)
	}
}

// Both or neither of the two ways to name the new owner is answered at the field.
func TestEitherAMailboxOrAPersonIsAsked(t *testing.T) {
	for _, c := range []struct {
		alias, person, field string
	}{
		{"", "", BlockAlias}, {mailbox, "UEVE", BlockPerson}, {"other@acme.example", "", BlockAlias},
		{"", "UNOBODY", BlockPerson}, {"", "UROBO", BlockPerson},
	} {
		w := newWorld(t)
		st := w.request("Dee", map[string]string{BlockAccount: "acme", BlockReason: "x", BlockAlias: c.alias,
			BlockPerson: c.person})
		r, ok := st.err.(*workflows.Refusal)
		if !ok || r.Field != c.field || len(w.runs) > 0 {
			t.Errorf("%q and %q: %v", c.alias, c.person, st.err)
		}
	}
}

// An address decides who becomes owner, so an unconfirmed one is no address.
func TestAnUnconfirmedAddressBecomesNoOwner(t *testing.T) {
	w := newWorld(t)
	p := w.People["UEVE"]
	p.EmailConfirmed = false
	w.People["UEVE"] = p
	if st := w.request("Dee", map[string]string{BlockPerson: "UEVE", BlockReason: "x"}); st.code() != "target_email" {
		t.Errorf("got %v", st.err)
	}
}

// Later changes of the configuration add nobody and loosen nothing.
func TestTheRequestFreezesPeopleAndPolicy(t *testing.T) {
	w := newWorld(t)
	w.out.join(mailbox, RoleMonitor)
	w.ask("Dee")
	w.Policy.Approvers = []string{"UANA", "UBEN", "UFAY"}
	w.Policy.Aliases[0].Holders = []string{"UFAY"}
	w.Policy.Admins = []string{"UFAY"}
	w.Policy.Transfer.Quorum = 1
	w.deliverAll()
	if st := w.click("Fay", "confirm"); st.code() != "not_asked" {
		t.Errorf("Fay was added later and is told %v", st.err)
	}
	for _, action := range []string{"cancel", "waive", "recheck"} {
		if st := w.click("Fay", action); st.code() != "not_permitted" {
			t.Errorf("Fay was added later; %s: %v", action, st.err)
		}
	}
	if st := w.click("Cat", "confirm"); st.code() != "removed" {
		t.Errorf("Cat was taken from the approvers and is told %v", st.err)
	}
	w.click("Ana", "confirm")
	if got := w.newest().state.Stage; got != Confirming {
		t.Errorf("a quorum lowered later made it %s", got)
	}
}

// A modal submitted twice carries the same workflow ID, and what is open already is not opened again.
func TestOneRequestOpensOnce(t *testing.T) {
	w := newWorld(t)
	st := w.ask("Dee")
	again := w.do(st.cmd)
	if again.code() == "" || len(again.events) > 0 || len(w.runs) != 1 {
		t.Errorf("a second opening: %v, %d events", again.err, len(again.events))
	}
}

func TestOnlyKeyholderSupersedes(t *testing.T) {
	w := reached(t)["settling"]
	for _, who := range []string{"Ana", "Fay", "Dee"} {
		st := w.do(workflows.Command{Workflow: w.newest().id, Name: superseding.Command, Actor: person(who),
			Round: w.newest().state.Round})
		if len(st.events) > 0 {
			t.Errorf("%s ended the settling", who)
		}
	}
}

// A voter who was away when the last vote came is back: their vote counts again, and the next click
// must not run into a closed door.
func TestAVoterWhoComesBackCompletesTheQuorum(t *testing.T) {
	w := reached(t)["confirming"]
	w.click("Ana", "confirm")
	w.Stand("Ana", workflows.StandingDeactivated)
	w.click("Ben", "confirm")
	if got := w.newest().state.Stage; got != Confirming {
		t.Fatalf("with one voter gone it is %s", got)
	}
	w.Stand("Ana", "")
	st := w.click("Cat", "confirm")
	if st.err != nil || w.newest().state.Stage != Cooling {
		t.Errorf("it is %s: %v", w.newest().state.Stage, st.err)
	}
	for _, v := range w.newest().state.Question.Ballot.Votes {
		if v.By == "UCAT" {
			t.Error("Cat's vote was not needed, and is recorded")
		}
	}
}

// The bot was away over both times of reminding: one reminder is sent, not two at once.
func TestLateRemindersDoNotPileUp(t *testing.T) {
	w := reached(t)["confirming"]
	w.Now = w.newest().state.Until.Add(-time.Minute)
	w.wait(time.Second)
	if got := len(w.newest().state.Question.Reminders); got != 1 {
		t.Errorf("%d reminders at once", got)
	}
}
