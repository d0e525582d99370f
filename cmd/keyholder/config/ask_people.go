package config

import (
	"fmt"
	"slices"
	"strings"
)

// Member is a person of the workspace who may be named in a configuration.
type Member struct {
	ID string
	// Name is the full one, Handle the one that Slack shows in messages, Email may be empty.
	Name, Handle, Email string
}

func (m Member) String() string {
	if m.Email == "" {
		return m.Name + " (" + m.ID + ")"
	}
	return m.Name + " <" + m.Email + "> (" + m.ID + ")"
}

// named turns names into IDs, and says whom each means; or what is wrong with one.
func (c *conversation) named(answer string) (ids, problem string) {
	if all := words(answer); !slices.ContainsFunc(all, func(id string) bool {
		return !userID.MatchString(id) && !groupID.MatchString(id)
	}) {
		return answer, ""
	}
	if c.known == nil {
		known, err := c.members()
		if err != nil {
			c.members = nil
			return "", fmt.Sprintf("cannot be looked up: %v. Write IDs.", err)
		}
		c.known = known
	}
	var found []string
	for _, name := range strings.FieldsFunc(answer, func(r rune) bool { return strings.ContainsRune(",;\t[]", r) }) {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if userID.MatchString(name) || groupID.MatchString(name) {
			found = append(found, name)
			continue
		}
		who := find(c.known, name)
		switch len(who) {
		case 0:
			return "", fmt.Sprintf("is not clear: nobody in this Slack who could act is called %s. "+
				"Write the name as Slack shows it, the e-mail address, or the ID.", show(name))
		case 1:
			c.say("  %s is %s\n", oneLine(name), oneLine(who[0].String()))
			found = append(found, who[0].ID)
		default:
			var all []string
			for _, m := range who[:min(len(who), 5)] {
				all = append(all, oneLine(m.String()))
			}
			return "", fmt.Sprintf("is not clear: %s may be %s. Write the address or the ID.", show(name),
				strings.Join(all, ", "))
		}
	}
	return strings.Join(found, " "), ""
}

// find answers whom a name means: those with that very address, handle or name, else those with it as a part of theirs.
func find(members []Member, name string) []Member {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	var very, partly []Member
	for _, m := range members {
		full := strings.ToLower(m.Name)
		switch {
		case name == strings.ToLower(m.Email), name == strings.ToLower(m.Handle), name == full:
			very = append(very, m)
		case slices.Contains(strings.Fields(full), name):
			partly = append(partly, m)
		}
	}
	if len(very) > 0 {
		return very
	}
	return partly
}
