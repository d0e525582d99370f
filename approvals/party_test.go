package approvals

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"ana@acme.example", "Ana@ACME.example", true},
		{"ana+work@acme.example", " ana@acme.example ", true},
		{"ana+a@acme.example", "ana+b+c@acme.example", true},
		{"ana@acme.example", "ana@other.example", false},
		{"ana@acme.example", "anab@acme.example", false},
		{"+tag@acme.example", "+other@acme.example", false}, // nothing is left of it without its tag
		{"ana@acme+x.example", "ana@acme.example", false},   // the domain has no tags
		{"", "", false},
		{" ", "", false},
	} {
		if got := SameAddress(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
		if got := SameAddress(c.b, c.a); got != c.want {
			t.Errorf("%q and %q the other way round: %v", c.a, c.b, got)
		}
	}
}

func TestBarsNameWhoeverIsAParty(t *testing.T) {
	gains := Party{Why: "beneficiary", Identity: Identity{Emails: []string{"ana@acme.example"}}}
	asks := Party{Why: "requester", Identity: Identity{ID: "UDEE", Emails: []string{"dee@acme.example"}}}
	got := Bars([]Party{asks, gains}, []Identity{
		{ID: "UBEN", Emails: []string{"ben@acme.example"}},
		{ID: "UANA", Emails: []string{"ana.new@acme.example", "Ana+io@acme.example"}},
		{ID: "UANA"}, // once is enough
		{ID: "UTWIN", Emails: []string{"DEE@acme.example"}},   // Dee's second account
		{Emails: []string{"ana@acme.example"}}, {}, {ID: "U"}, // nobody's
	})
	want := []Bar{{"UDEE", "requester"}, {"UANA", "beneficiary"}, {"UTWIN", "requester"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhoWasBarredOnceStaysBarred(t *testing.T) {
	b := Ballot{Quorum: 1, Electorate: []string{"A", "B"}, Bars: []Bar{{"A", "requester"}}}
	more := b.Barring([]Bar{{"A", "beneficiary"}, {"B", "beneficiary"}})
	if want := []Bar{{"A", "requester"}, {"B", "beneficiary"}}; !reflect.DeepEqual(more.Bars, want) {
		t.Errorf("got %v, want %v", more.Bars, want)
	}
	if len(b.Bars) != 1 {
		t.Errorf("the ballot that it was asked of has changed: %v", b.Bars)
	}
}

// TestNoSpellingOfAPartyVotes: whatever ID and spelling of their addresses somebody comes back with, they tip nothing.
func TestNoSpellingOfAPartyVotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"ana", "ben", "cat"}
		spell := func(name string) string {
			out := name + rapid.SampledFrom([]string{"", "+x", "+a+b"}).Draw(t, "tag") + "@acme.example"
			if rapid.Bool().Draw(t, "upper") {
				out = strings.ToUpper(out)
			}
			return out
		}
		party := Party{Why: "beneficiary", Identity: Identity{Emails: []string{spell("ana")}}}
		var people []Identity
		var electorate []string
		for i := range rapid.IntRange(1, 6).Draw(t, "people") {
			p := Identity{ID: fmt.Sprintf("U%d", i)}
			for range rapid.IntRange(0, 3).Draw(t, "addresses") {
				p.Emails = append(p.Emails, spell(rapid.SampledFrom(names).Draw(t, "name")))
			}
			people, electorate = append(people, p), append(electorate, p.ID)
		}
		bars := Bars([]Party{party}, people)
		for _, p := range people {
			is := false
			for _, e := range p.Emails {
				is = is || strings.HasPrefix(strings.ToLower(e), "ana")
			}
			_, err := Ballot{Quorum: 1, Electorate: electorate, Bars: bars}.
				Cast(p.ID, Approve, "", standingOf(electorate), nil, time.Unix(1e9, 0))
			if (err != nil) != is {
				t.Fatalf("%v is the party: %v, and casting answers %v", p, is, err)
			}
		}
	})
}

func standingOf(people []string) Standing {
	st := Standing{}
	for _, p := range people {
		st[p] = ""
	}
	return st
}
