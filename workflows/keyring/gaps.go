package keyring

import (
	"time"

	"github.com/keyholder/keyholder/approvals"
	"github.com/keyholder/keyholder/workflows"
)

// Codes of a [Gap], worst first.
const (
	GapOwnerIsPerson = "owner_is_person" // the owner's address is somebody's own
	GapNobody        = "nobody"          // nobody holds a part of the key
	GapAlone         = "alone"           // one person holds it
	GapSole          = "sole"            // one person alone holds both password and second factor
	GapQuorum        = "quorum"          // a question could never be answered with yes
	GapReviewer      = "reviewer"        // nobody, or one person, reviews
	GapAdmins        = "administrators"  // nobody administers
)

// Gap is something wrong with a ring.
type Gap struct {
	Code string
	// What is the part of the key or the question, as [Mailbox] or [Approver]; Where the alias.
	What, Where string
	// People are those left: the one who is alone, or those who could still approve.
	People []string
	Need   int // how many it takes
}

// Gaps are what is wrong with the ring, worst first: less than two for a part of the key of the
// owner's alias and of every other alias, a quorum that those who can act never reach, nobody who
// administers or reviews.
func (r Ring) Gaps() []Gap {
	var worst, parts, sole, rest []Gap
	p := r.known.Policy
	for _, h := range r.Of(Owner, "") {
		if _, alias := p.Alias(h.Email); !alias {
			worst = append(worst, Gap{Code: GapOwnerIsPerson, What: Owner, Where: h.Email,
				People: r.people([]Holding{h}, false)})
		}
	}
	for _, a := range p.Aliases {
		for _, what := range []string{Mailbox, Password, SecondFactor} {
			switch able := r.people(r.Of(what, a.Email), true); len(able) {
			case 0:
				parts = append(parts, Gap{Code: GapNobody, What: what, Where: a.Email, Need: 2})
			case 1:
				parts = append(parts, Gap{Code: GapAlone, What: what, Where: a.Email, People: able, Need: 2})
			}
		}
		password, factor := r.people(r.Of(Password, a.Email), true), r.people(r.Of(SecondFactor, a.Email), true)
		if len(password) == 1 && len(factor) == 1 && password[0] == factor[0] {
			sole = append(sole, Gap{Code: GapSole, What: Password, Where: a.Email, People: password, Need: 2})
		}
	}
	for _, q := range r.questions() {
		if !q.winnable {
			rest = append(rest, Gap{Code: GapQuorum, What: q.what, People: q.able, Need: q.quorum})
		}
	}
	if able := r.people(r.Of(Reviewer, ""), true); len(able) < 2 {
		rest = append(rest, Gap{Code: GapReviewer, What: Reviewer, People: able, Need: 2})
	}
	if able := r.people(r.Of(Administrator, ""), true); len(able) == 0 {
		rest = append(rest, Gap{Code: GapAdmins, What: Administrator, Need: 1})
	}
	return append(append(append(worst, nobodyFirst(parts)...), sole...), rest...)
}

// nobodyFirst puts what nobody holds before what one person does.
func nobodyFirst(gaps []Gap) []Gap {
	var first, then []Gap
	for _, g := range gaps {
		if g.Code == GapNobody {
			first = append(first, g)
		} else {
			then = append(then, g)
		}
	}
	return append(first, then...)
}

// asked is one kind of question and whether those who can act could answer it.
type asked struct {
	what     string
	able     []string
	quorum   int
	winnable bool
}

func (r Ring) questions() []asked {
	p := r.known.Policy
	var out []asked
	for _, q := range []struct {
		what   string
		lists  [][]string
		quorum int
	}{
		{Approver, p.Lists, p.Transfer.Quorum},
		{AccessSay, p.Access.Lists, p.Access.Quorum},
		{RecoverySay, p.Recovery.Lists, p.Recovery.Quorum},
	} {
		if q.quorum < 1 {
			continue // not configured, as where only a part of a policy is known
		}
		able := r.people(r.Of(q.what, ""), true)
		st := approvals.Standing{}
		for _, who := range able {
			st[who] = ""
		}
		b := approvals.Ballot{Quorum: q.quorum, Electorate: able, Lists: r.known.Facts.ExpandLists(q.lists)}
		out = append(out, asked{q.what, able, q.quorum, b.DeadEnd(st, nil, time.Time{}) == nil})
	}
	return out
}

// Loss is what rests on a person: what they hold, and what would be wrong without them that is not
// wrong now.
type Loss struct {
	Holdings []Holding
	Gaps     []Gap
}

// WhatIf is what would be lost if a person left, worst first. An owner's address that is theirs is
// such a loss although it does not change: nobody else opens it.
func WhatIf(k Known, person string) Loss {
	now, then := Of(k), Of(k.Without(person))
	out := Loss{Holdings: now.By(person)}
	before := map[string]bool{}
	for _, g := range now.Gaps() {
		before[g.key()] = true
		if g.Code == GapOwnerIsPerson && workflows.Among(person, g.People) {
			out.Gaps = append(out.Gaps, g)
		}
	}
	for _, g := range then.Gaps() {
		if !before[g.key()] {
			out.Gaps = append(out.Gaps, g)
		}
	}
	return out
}

func (g Gap) key() string { return g.Code + "/" + g.What + "/" + g.Where }
