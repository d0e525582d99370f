package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// sure presses the button that goes on in the question that asks once more.
func (p *page) sure() {
	p.t.Helper()
	p.until("the question once more", func() bool {
		return ask[bool](p, `Boolean(document.querySelector('#confirm[open] button:not(.deny)'))`)
	})
	ask[bool](p, `(document.querySelector('#confirm[open] button:not(.deny)').click(), true)`)
}

// word types the word of a letter into the form of a card.
func (p *page) word(word string) {
	p.t.Helper()
	p.click("button", "^Type the word…$")
	p.typed("^The word beside your name", word)
	p.click("button", "^Send$")
}

// courseID is the newest workflow with a letter.
func (s *stage) courseID(letter string) string {
	return s.tour.newest(s.slack.AllMessages(), letter, func(string) bool { return false }).id
}

func TestATourIsNeverStuck(t *testing.T) {
	off := integratorsim.State{MailboxesOff: []string{aliasEmail}}
	var tr tour
	for name, c := range map[string]struct {
		since int64
		cards []slacksim.Message
		want  string // the step to do now
		note  bool
	}{
		"nothing yet": {0, nil, "report", false},
		"asked": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"Nobody: It waits for approval until x.")}, "approved", false},
		"somebody can open it, no vote": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"Nobody: To do now: reset.")}, "claimed", false},
		"regained": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✓ The owner's sign-in of A is regained")}, "audited", false},
		"refused": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✗ Regaining the owner's sign-in of A was refused")}, "report", true},
		"refused, and reported again": {0, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✗ Regaining the owner's sign-in of A was refused"),
			tourCard(9, "v02-Y", "main", "Nobody: It waits for approval until x.")}, "approved", false},
		"over before the restart": {9, []slacksim.Message{tourCard(5, "v01-X", "main",
			"✓ The owner's sign-in of A is regained")}, "report", false},
	} {
		tr.restart(time.Unix(c.since, 0))
		v := tr.viewRecovery(scene{messages: c.cards, world: off})
		if v.Current >= len(v.Steps) || v.Steps[v.Current].ID != c.want || (v.Note != "") != c.note {
			t.Errorf("%s: step %d of %+v, note %q, want %s", name, v.Current, v.Steps, v.Note, c.want)
		}
	}
	tr.restart(time.Unix(0, 0))
	dm := func(string) string { return "" }
	for text, want := range map[string]string{
		"Can you read x?": "word", "The key of A can be used by two people or more": "status",
		"The drill of A found 3 gaps":    "status",
		"The drill of A was ended early": "status",
	} {
		v := tr.viewDrill(scene{messages: []slacksim.Message{tourCard(5, "e01-X", "main", text)}, dm: dm})
		if v.Steps[v.Current].ID != want {
			t.Errorf("%s: the next is %s, want %s", text, v.Steps[v.Current].ID, want)
		}
	}
}

var linked = regexp.MustCompile(`\[([^\]]+)\]`)

// Whatever tour a world is for, its configuration is without faults and its steps have a text and a way on.
func TestEveryTourCanBegin(t *testing.T) {
	for _, c := range tours {
		s := prepare(t, options{tour: c.ID})
		v := s.toured()
		if v.ID != c.ID || v.Lead == "" || v.End == "" || len(v.Others) != len(tours)-1 || v.Current != 0 {
			t.Errorf("%q begins as %+v", c.ID, v)
		}
		if owner := s.account().Snapshot().Owner.Email; (owner == aliasEmail) != c.handed {
			t.Errorf("in the world of %q %s owns the account", c.ID, owner)
		}
		for _, st := range v.Steps {
			for _, name := range linked.FindAllStringSubmatch(st.Text, -1) {
				who, room, _ := strings.Cut(name[1], " in ")
				if _, there := v.Links[who]; !there && name[1] != "Meddle" && name[1] != "integrator.io" {
					t.Errorf("%q: [%s] leads nowhere", c.ID, name[1])
				}
				if _, there := v.Links[room]; room != "" && !there {
					t.Errorf("%q: [%s] leads nowhere", c.ID, name[1])
				}
			}
			if st.Title == "" || st.Text == "" {
				t.Errorf("%q: %+v", c.ID, st)
			}
		}
	}
}
