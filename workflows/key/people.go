package key

import (
	"slices"

	"github.com/keyholder/keyholder/workflows"
)

// Circle is who has to do with the owner's sign-in of one account: groups expanded, in the order
// of the configuration. Who was named and cannot act stands in Absent alone.
type Circle struct {
	Holders      []string `json:"holders,omitempty"`
	Password     []string `json:"password,omitempty"`
	SecondFactor []string `json:"second_factor,omitempty"`
	Admins       []string `json:"admins,omitempty"`
	// Absent maps who cannot act to why: a standing code.
	Absent map[string]string `json:"absent,omitempty"`
}

// circlePeople are the IDs that [circleOf] asks about, for [workflows.Needs].
func circlePeople(p workflows.Policy, owner string) []string {
	alias, _ := p.Alias(owner)
	return workflows.Union(alias.Holders, alias.Keepers(), p.HolderIDs(), p.Admins)
}

// circleOf is the circle around an owner's address, as the facts show everybody. Where the owner is
// no alias of the configuration nobody keeps anything, and the holders are those of all aliases.
func circleOf(f workflows.Facts, owner string) Circle {
	c := Circle{Absent: map[string]string{}}
	able := func(ids []string) []string {
		var out []string
		for _, id := range f.Expand(ids) {
			person, known := f.People[id]
			switch {
			case !known:
				c.Absent[id] = workflows.StandingUnknown
			case person.Standing != "":
				c.Absent[id] = person.Standing
			default:
				out = append(out, id)
			}
		}
		return out
	}
	if alias, is := f.Policy.Alias(owner); is {
		c.Holders = able(alias.Holders)
		c.Password, c.SecondFactor = able(alias.PasswordKeepers()), able(alias.SecondFactorKeepers())
	} else {
		c.Holders = able(f.Policy.HolderIDs())
	}
	c.Admins = able(f.Policy.Admins)
	if len(c.Absent) == 0 {
		c.Absent = nil
	}
	return c
}

// Keepers are all who can use the password or the second factor, password before second factor.
func (c Circle) Keepers() []string { return workflows.Union(c.Password, c.SecondFactor) }

// All is everybody of the circle, once.
func (c Circle) All() []string { return workflows.Union(c.Holders, c.Keepers(), c.Admins) }

// Lookers are who hears of what happens to the key: holders and administrators.
func (c Circle) Lookers() []string { return workflows.Union(c.Holders, c.Admins) }

func without(all []string, who ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(who, id) })
}
