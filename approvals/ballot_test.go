package approvals

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

// decodeBallot reads a ballot, and says whether it was one that can be written again.
func decodeBallot(data []byte, b *Ballot) bool {
	if json.Unmarshal(data, b) != nil {
		return false
	}
	_, err := json.Marshal(b)
	return err == nil
}

// The names below lie in stores of people who upgrade: they do not change.
func TestStoredFormDoesNotDrift(t *testing.T) {
	via := Delegation{From: "ana", To: "eve", Since: zeroHour, Until: zeroHour.Add(time.Hour)}
	b := Ballot{
		Quorum: 2, Eyes: 2, Vetoes: 1,
		Electorate: []string{"ana"}, Lists: [][]string{{"ana"}}, Bars: []Bar{{Who: "dee", Why: "requester"}},
		Opens: zeroHour, Closes: zeroHour.Add(time.Hour),
		Votes: []Vote{{Seat: "ana", By: "eve", Choice: Approve, Reason: "fine", At: zeroHour, Via: &via}},
	}
	const want = `{"quorum":2,"eyes":2,"vetoes":1,"electorate":["ana"],"lists":[["ana"]],"bars":[{"who":"dee","why":"requester"}],` +
		`"opens":"2026-03-02T09:00:00Z","closes":"2026-03-02T10:00:00Z","votes":[{"seat":"ana","by":"eve","choice":"approve",` +
		`"reason":"fine","at":"2026-03-02T09:00:00Z","via":{"from":"ana","to":"eve","since":"2026-03-02T09:00:00Z","until":"2026-03-02T10:00:00Z"}}]}`
	if got := asJSON(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := asJSON(Ballot{Quorum: 1}); got != `{"quorum":1}` {
		t.Errorf("an empty ballot is stored as %s", got)
	}
}

func TestDelegationHoldsFromSinceUntilUntil(t *testing.T) {
	hour := func(n int) time.Time { return zeroHour.Add(time.Duration(n) * time.Hour) }
	for _, c := range []struct {
		name         string
		since, until time.Time
		at           time.Time
		want         bool
	}{
		{"before it begins", hour(1), hour(3), hour(0), false},
		{"as it begins", hour(1), hour(3), hour(1), true},
		{"just before it ends", hour(1), hour(3), hour(3).Add(-1), true},
		{"as it ends", hour(1), hour(3), hour(3), false},
		{"open-ended", hour(1), time.Time{}, hour(9999), true},
		{"without beginning", time.Time{}, hour(3), hour(0), true},
		{"ending before it begins", hour(3), hour(1), hour(2), false},
		{"in another zone", hour(1), hour(3), hour(1).In(time.FixedZone("", 3600)), true},
	} {
		if got := (Delegation{Since: c.since, Until: c.until}).ActiveAt(c.at); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestNumbersAtTheEdgeNeitherPanicNorApprove(t *testing.T) {
	numbers := []int{math.MinInt, -1, 0, 1, 2, math.MaxInt}
	yes := func(who string) Vote { return Vote{Seat: who, By: who, Choice: Approve, At: zeroHour} }
	for _, quorum := range numbers {
		for _, eyes := range numbers {
			for _, vetoes := range numbers {
				b := Ballot{Quorum: quorum, Eyes: eyes, Vetoes: vetoes, Electorate: []string{"ana", "ben"},
					Votes: []Vote{yes("ana"), yes("ben")}}
				got := b.Judge(Standing{"ana": "", "ben": ""}, nil, zeroHour).Outcome
				want := Dead
				if (quorum == 1 || quorum == 2) && eyes <= 2 {
					want = Approved
				}
				if got != want {
					t.Errorf("quorum %d, eyes %d, vetoes %d: %s, want %s", quorum, eyes, vetoes, got, want)
				}
			}
		}
	}
}

func TestZeroBallotAnswersEverything(t *testing.T) {
	var b Ballot
	if got := b.Judge(nil, nil, time.Time{}); got.Outcome != Dead || got.Winnable {
		t.Errorf("judged %+v", got)
	}
	if votes, err := b.Cast("ana", Approve, "", nil, nil, time.Time{}); err == nil {
		t.Errorf("cast %v", votes)
	}
	if b.DeadEnd(nil, nil, time.Time{}) == nil {
		t.Error("nobody can approve, and it is no dead end")
	}
	if got := b.People(); len(got) != 0 {
		t.Errorf("people %v", got)
	}
}

func TestTallySharesNothingWithTheBallot(t *testing.T) {
	b := Ballot{Quorum: 1, Electorate: []string{"ana"}}
	standing, delegations := Standing{"ana": "", "eve": ""}, []Delegation{{From: "ana", To: "eve"}}
	votes, err := b.Cast("eve", Approve, "fine", standing, delegations, zeroHour)
	if err != nil {
		t.Fatal(err)
	}
	if v := votes[0]; v.Reason != "fine" || !v.At.Equal(zeroHour) || v.Via == nil {
		t.Errorf("the vote lost something: %s", asJSON(v))
	}
	votes[0].Via.Until = zeroHour.Add(time.Hour)
	if !delegations[0].Until.IsZero() {
		t.Error("changing the evidence changed the delegation")
	}
	b.Votes = votes
	tally := b.Judge(standing, delegations, zeroHour)
	tally.Counted[0].Via.To = "fay"
	tally.Counted[0].Choice = Refuse
	if b.Votes[0].Via.To != "eve" || b.Votes[0].Choice != Approve {
		t.Error("changing the tally changed the ballot")
	}
}

func TestPeopleAndDelegatesAreWhoseFactsAreNeeded(t *testing.T) {
	b := Ballot{
		Electorate: []string{"ana", "ben", "", "ana"},
		Votes:      []Vote{{Seat: "ana", By: "eve"}, {Seat: "zoe", By: "ben"}},
	}
	if got := b.People("fay", "", "ben"); !slices.Equal(got, []string{"ana", "ben", "eve", "zoe", "fay"}) {
		t.Errorf("people %v", got)
	}
	delegations := []Delegation{
		{From: "ben", To: "gil"}, {From: "ana", To: "eve"}, {From: "ana", To: "eve"}, {From: "ana"},
		{From: "ana", To: "hal", Until: zeroHour}, {From: "eve", To: "ida"},
	}
	if got := b.Delegates(delegations, zeroHour); !slices.Equal(got, []string{"eve", "gil"}) {
		t.Errorf("delegates %v", got)
	}
}

func TestRefusalReadsWellInLogs(t *testing.T) {
	b := Ballot{Quorum: 2, Electorate: []string{"ana", "ben", "cat"}}
	err := b.DeadEnd(Standing{"ana": ""}, nil, zeroHour)
	var refusal *Refusal
	if !errors.As(err, &refusal) || err.Error() != "vote not taken: dead_end (1 of 3 could approve; 2 needed)" {
		t.Errorf("got %v", err)
	}
	if got := (&Refusal{Code: CodeGuest}).Error(); got != "vote not taken: guest" {
		t.Errorf("got %q", got)
	}
}
