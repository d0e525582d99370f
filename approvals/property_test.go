package approvals

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMain raises rapid's 100 situations per property, which are cheap here, to
// 1000; -rapid.checks on the command line goes before.
func TestMain(m *testing.M) {
	given := slices.ContainsFunc(os.Args, func(arg string) bool { return strings.Contains(arg, "rapid.checks") })
	if !given {
		if err := flag.Set("rapid.checks", "1000"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func drawSituation(t *rapid.T) (situation, drawer) {
	// rapid prefers small numbers; the factor spreads them, and 0 stays 0 to shrink to.
	numbers := rapid.Uint32()
	draw := drawer(func(n int) int { return int(numbers.Draw(t, "n") * 2654435761 >> 16 % uint32(n)) })
	return draw.situation(), draw
}

func TestEverySituationIsCountedRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := drawSituation(t)
		if err := flaws(c); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWinnableIsWhatSomeSequenceOfClicksReaches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := drawSituation(t)
		if winnable, approves := c.judge().Winnable, bruteApproves(c); winnable != approves {
			t.Fatalf("winnable %v, by trying all clicks %v\n%s\n%s", winnable, approves, asJSON(c), asJSON(c.judge()))
		}
	})
}

func TestBarredPersonNeverTipsAnOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _ := drawSituation(t)
		barred := universe[rapid.IntRange(0, 4).Draw(t, "barred")]
		c.ballot.Bars = append(c.ballot.Bars, Bar{Who: barred, Why: "new_owner"})
		without := slices.DeleteFunc(slices.Clone(c.ballot.Votes), func(v Vote) bool {
			return v.By == barred || v.Seat == barred
		})
		sameDecision(t, c.judge(), c.with(without).judge())
		for _, choice := range []Choice{Approve, Refuse} {
			_, err := c.ballot.Cast(barred, choice, "", c.standing, c.delegations, c.at)
			if r, ok := err.(*Refusal); !ok || r.Code != CodeBarred {
				t.Fatalf("a barred person hears %v", err)
			}
		}
	})
}

func sameDecision(t *rapid.T, a, b Tally) {
	t.Helper()
	if a.Outcome != b.Outcome || a.Missing != b.Missing || a.Winnable != b.Winnable ||
		asJSON(a.Counted) != asJSON(b.Counted) || asJSON(a.Refusals) != asJSON(b.Refusals) ||
		!slices.Equal(a.Waiting, b.Waiting) {
		t.Fatalf("not the same decision:\n%s\n%s", asJSON(a), asJSON(b))
	}
}

// Votes that are void by themselves may stand anywhere in the list.
func TestPlaceOfIrrelevantVotesIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, draw := drawSituation(t)
		without := c.judge()
		votes := c.ballot.Votes
		for range 3 {
			v := draw.vote(c.ballot.Electorate)
			if dumbValid(c.ballot, c.standing, v, c.at) {
				continue
			}
			votes = slices.Insert(slices.Clone(votes), draw(len(votes)+1), v)
		}
		sameDecision(t, c.with(votes).judge(), without)
	})
}

// Only among equal times does the place in the list matter.
func TestListOrderMattersOnlyAmongEqualTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, draw := drawSituation(t)
		before := c.judge()
		votes := slices.Clone(c.ballot.Votes)
		for range 10 {
			if len(votes) < 2 {
				return
			}
			i := draw(len(votes) - 1)
			if !votes[i].At.Equal(votes[i+1].At) {
				votes[i], votes[i+1] = votes[i+1], votes[i]
			}
		}
		sameDecision(t, c.with(votes).judge(), before)
	})
}

func TestAddingARefusalNeverApproves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, draw := drawSituation(t)
		v := draw.vote(c.ballot.Electorate)
		v.Choice = Refuse
		more := slices.Insert(slices.Clone(c.ballot.Votes), draw(len(c.ballot.Votes)+1), v)
		if before, after := c.judge(), c.with(more).judge(); before.Outcome != Approved && after.Outcome == Approved {
			t.Fatalf("%s, and with a refusal more approved: %s\n%s", before.Outcome, asJSON(v), asJSON(c))
		}
	})
}

func TestLosingStandingNeverApprovesUnlessARefusalFell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, draw := drawSituation(t)
		before := c.judge()
		dropped := universe[draw(len(universe))]
		if slices.ContainsFunc(c.ballot.Votes, func(v Vote) bool { return v.Choice == Refuse }) {
			return
		}
		standing := Standing{}
		for who, code := range c.standing {
			standing[who] = code
		}
		standing[dropped] = CodeDeactivated
		c.standing = standing
		if after := c.judge(); before.Outcome != Approved && after.Outcome == Approved {
			t.Fatalf("approved because %s left: %s", dropped, asJSON(c))
		}
	})
}

// Any run of clicks that goes through Cast decides at most once, and what was
// decided stays so while standing does.
func TestClicksThroughCastKeepTheFirstDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, draw := drawSituation(t)
		c.ballot.Votes = nil
		decided := Open
		for range 12 {
			who, choice := draw.person(), []Choice{Approve, Approve, Refuse}[draw(3)]
			votes, err := c.ballot.Cast(who, choice, "", c.standing, c.delegations, c.at)
			if err == nil {
				c.ballot.Votes = append(c.ballot.Votes, votes...)
			}
			if draw(4) == 0 {
				c.at = c.at.Add(1)
			}
			now := c.judge().Outcome
			if decided != Open && (err == nil || now != decided) {
				t.Fatalf("was %s, now %s, click by %s: %v\n%s", decided, now, who, err, asJSON(c))
			}
			if now == Approved || now == Refused {
				decided = now
			}
		}
	})
}
