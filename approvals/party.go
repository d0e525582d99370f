package approvals

import (
	"slices"
	"strings"
)

// Identity is a person by everything they are known by: their ID and every address that was ever
// seen to be theirs, confirmed or not. An address that nobody confirmed gives its person no right,
// and that is for others to see to; here it counts, for here it can only take one away.
type Identity struct {
	ID     string   `json:"id,omitempty"`
	Emails []string `json:"emails,omitempty"`
}

// Same reports whether two identities are one person: the same ID, or an address in common as
// [SameAddress] compares them. Somebody known by nothing is nobody.
func (a Identity) Same(b Identity) bool {
	if a.ID != "" && a.ID == b.ID {
		return true
	}
	return slices.ContainsFunc(a.Emails, func(x string) bool {
		return slices.ContainsFunc(b.Emails, func(y string) bool { return SameAddress(x, y) })
	})
}

// With adds addresses that are new, comparing them as they are written but for letter case.
func (a Identity) With(emails ...string) Identity {
	known := slices.Clip(a.Emails)
	for _, e := range emails {
		e = strings.ToLower(strings.TrimSpace(e))
		if e != "" && !slices.Contains(known, e) {
			known = append(known, e)
		}
	}
	a.Emails = known
	return a
}

// SameAddress reports whether two e-mail addresses reach one mailbox: letter case, white space
// around them, and what follows a + in the local part (RFC 5233) do not count. Two empty ones
// are nobody's.
func SameAddress(a, b string) bool {
	a, b = mailbox(a), mailbox(b)
	return a != "" && a == b
}

// mailbox is an address without what makes no difference.
func mailbox(email string) string {
	email = strings.ToLower(strings.TrimSpace(email))
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	local, domain := email[:at], email[at:]
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	return local + domain
}

// Party is a person whom a question is about: who asked, who gains, who would own.
type Party struct {
	Identity
	// Why they may not decide, a code as in [Bar].
	Why string `json:"why"`
}

// Bars answers whom of the people given the parties keep from deciding, in the order of the
// people, each once and for the first party's reason. It is the one place where it is decided who
// is who: for voting, and wherever else nobody may act for themselves.
//
// A party's own ID is barred also where no person given has it, so that a party who cannot be
// looked up now stays barred.
func Bars(parties []Party, people []Identity) []Bar {
	var bars []Bar
	add := func(who, why string) {
		if who != "" && !slices.ContainsFunc(bars, func(b Bar) bool { return b.Who == who }) {
			bars = append(bars, Bar{Who: who, Why: why})
		}
	}
	for _, p := range parties {
		add(p.ID, p.Why)
	}
	for _, who := range people {
		if i := slices.IndexFunc(parties, func(p Party) bool { return p.Same(who) }); i >= 0 {
			add(who.ID, parties[i].Why)
		}
	}
	return bars
}

// Barring adds bars to those that the ballot has; whoever was barred once stays so, for the reason
// they had.
func (b Ballot) Barring(more []Bar) Ballot {
	b.Bars = slices.Clip(b.Bars)
	for _, bar := range more {
		if !slices.ContainsFunc(b.Bars, func(old Bar) bool { return old.Who == bar.Who }) {
			b.Bars = append(b.Bars, bar)
		}
	}
	return b
}
