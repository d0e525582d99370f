package keyring

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/workflows"
)

// Seat is what one person holds of the key of one shared mailbox, and what they may do here: one row of
// a table in which people compare.
type Seat struct {
	Person string // a Slack ID, or an address where there is none
	Alias  string // "" for somebody who holds no key
	// Key is how each part that they hold was last shown, zero for never; a part that they do not hold is missing.
	Key map[string]workflows.Proof
	May []string // what they may do here, in words
}

// duties are the rights here, in the words of a table.
var duties = []struct{ what, may string }{
	{Administrator, "administer"}, {Approver, "confirm a transfer"}, {AccessSay, "approve access"},
	{RecoverySay, "approve a recovery"}, {Reviewer, "review"}, {Auditor, "read the record"},
}

// Seats lists who holds what, those with most of a key first. Somebody who holds keys of several
// mailboxes has a row for each.
func Seats(k Known) []Seat {
	r := Of(k)
	var out []Seat
	seat := func(h Holding, alias string) *Seat {
		who := cmp.Or(h.Person, h.Email)
		i := slices.IndexFunc(out, func(s Seat) bool {
			return s.Person == who && (s.Alias == alias || alias == "")
		})
		if i < 0 {
			out = append(out, Seat{Person: who, Alias: alias, Key: map[string]workflows.Proof{}})
			i = len(out) - 1
		}
		return &out[i]
	}
	for _, al := range k.Policy.Aliases {
		for _, part := range []string{Mailbox, Password, SecondFactor} {
			for _, h := range r.Of(part, al.Email) {
				seat(h, al.Email).Key[part] = h.Proof
			}
		}
	}
	for _, d := range duties {
		for _, h := range r.Of(d.what, "") {
			if s := seat(h, ""); !slices.Contains(s.May, d.may) {
				s.May = append(s.May, d.may)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Seat) int {
		return cmp.Or(cmp.Compare(len(b.Key), len(a.Key)), strings.Compare(a.Alias, b.Alias))
	})
	return out
}
