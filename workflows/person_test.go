package workflows

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/keyholder/keyholder/approvals"
)

func TestPersonHasOneDelegationAtATime(t *testing.T) {
	give := func(to string) Event {
		raw, err := json.Marshal(approvals.Delegation{From: "UANA", To: to, Since: noon, Until: noon.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return Event{Type: Delegated, At: noon, Body: raw}
	}
	var p PersonState
	for _, c := range []struct {
		event Event
		want  string
	}{{give("UBEN"), "UBEN"}, {give("UCAT"), "UCAT"}, {Event{Type: DelegationEnded, Body: []byte("{}")}, ""},
		{Event{Type: DelegationEnded, Body: []byte("{}")}, ""}} {
		before := p.Delegation
		next, err := ApplyPerson(p, c.event)
		if err != nil {
			t.Fatal(err)
		}
		if p.Delegation != before {
			t.Errorf("%s changed the person it was given", c.event.Type)
		}
		got := ""
		if next.Delegation != nil {
			got = next.Delegation.To
		}
		if got != c.want || next.ID != "UANA" {
			t.Errorf("after %s: delegate %q of %q, want %q", c.event.Type, got, next.ID, c.want)
		}
		p = next
	}
}

func TestPersonRefusesWhatItDoesNotKnow(t *testing.T) {
	was := PersonState{ID: "UANA", Delegation: &approvals.Delegation{From: "UANA", To: "UBEN"}}
	if p, err := ApplyPerson(was, Event{Type: "person.unheard_of", Body: []byte("{}")}); !errors.Is(err,
		ErrUnknownEvent) || p != was {
		t.Errorf("an unknown event: %+v, %v", p, err)
	}
	if p, err := ApplyPerson(was, Event{Type: Delegated, Body: []byte("{")}); err == nil || p != was {
		t.Errorf("a broken body: %+v, %v", p, err)
	}
}

func TestStoredPersonSurvivesItsEncoding(t *testing.T) {
	was := PersonState{ID: "UANA", Delegation: &approvals.Delegation{From: "UANA", To: "UBEN", Since: noon,
		Until: noon.Add(time.Hour)}}
	raw, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	var now PersonState
	if err := json.Unmarshal(raw, &now); err != nil {
		t.Fatal(err)
	}
	if now.ID != was.ID || *now.Delegation != *was.Delegation {
		t.Errorf("%s became %+v", raw, now)
	}
}
