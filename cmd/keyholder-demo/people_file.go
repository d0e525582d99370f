package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// workspace is a people file: who and what is in the Slack alone. IDs may be left out; members are
// named by ID or by name, and bot is the app itself.
type workspace struct {
	Team struct {
		Name   string `json:"name"`
		Domain string `json:"domain"`
	} `json:"team"`
	People   []slacksim.User    `json:"people"`
	Channels []slacksim.Channel `json:"channels"`
	Groups   []struct {
		ID      string   `json:"id"`
		Handle  string   `json:"handle"`
		Members []string `json:"members"`
	} `json:"groups"`
}

// someWorkspace is who is there without a people file: members, an administrator, a guest, one who left.
func someWorkspace() workspace {
	w := workspace{People: []slacksim.User{
		{ID: "UANA", Name: "ana", RealName: "Ana Silva", Email: "ana@acme.example", Title: "Operations"},
		{ID: "UBEN", Name: "ben", RealName: "Ben Ode", Email: "ben@acme.example", Title: "Workspace administrator",
			IsAdmin: true},
		{ID: "UGUS", Name: "gus", RealName: "Gus Lind", Email: "gus@partner.example", Title: "Guest",
			IsRestricted: true},
		{ID: "UDAN", Name: "dan", RealName: "Dan Roth", Email: "dan@acme.example", Title: "Left in spring",
			Deleted: true}},
		Channels: []slacksim.Channel{
			{Name: "general", Members: []string{"ana", "ben", "gus", "bot"}},
			{Name: "random", Members: []string{"ana", "ben"}},
			{Name: "secret", Private: true, Members: []string{"ana", "bot"}}}}
	return w
}

// readPeople reads a people file.
func readPeople(path string) (workspace, error) {
	var w workspace
	if err := readYAML(path, &w, true); err != nil {
		return w, err
	}
	if len(w.People) == 0 {
		return w, fmt.Errorf("%s names no people: somebody has to press the buttons", path)
	}
	return w, nil
}

// idOf makes an ID out of a name: UANA for ana.
func idOf(prefix, name string) string {
	keep := func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}
	return prefix + strings.Map(keep, strings.ToUpper(name))
}

// settle gives everybody and everything an ID and turns the names of members into IDs. bot is the app's.
func (w *workspace) settle(bot string) error {
	ids := map[string]string{"bot": bot, bot: bot}
	for i := range w.People {
		p := &w.People[i]
		if p.Name == "" && p.ID == "" {
			return fmt.Errorf("the %d. of the people has neither name nor id", i+1)
		}
		p.Name = cmp.Or(p.Name, strings.ToLower(p.ID))
		p.ID = cmp.Or(p.ID, idOf("U", p.Name))
		for _, k := range []string{p.ID, p.Name} {
			if ids[k] != "" && ids[k] != p.ID || k == p.ID && ids[k] != "" {
				return fmt.Errorf("two of the people are called %s: give them names and ids of their own", k)
			}
			ids[k] = p.ID
		}
	}
	resolve := func(where string, members []string) ([]string, error) {
		var l []string
		for _, m := range members {
			id := ids[strings.TrimPrefix(m, "@")]
			if id == "" {
				return nil, fmt.Errorf("%s has the member %s, who is none of the people", where, m)
			}
			if !slices.Contains(l, id) {
				l = append(l, id)
			}
		}
		return l, nil
	}
	var err error
	for i := range w.Channels {
		c := &w.Channels[i]
		if c.Name = strings.TrimPrefix(c.Name, "#"); c.Name == "" {
			return fmt.Errorf("the %d. of the channels has no name", i+1)
		}
		c.ID = cmp.Or(c.ID, idOf("C0", c.Name))
		if c.Members, err = resolve("#"+c.Name, c.Members); err != nil {
			return err
		}
	}
	for i := range w.Groups {
		g := &w.Groups[i]
		if g.Handle = strings.TrimPrefix(g.Handle, "@"); g.Handle == "" {
			return fmt.Errorf("the %d. of the groups has no handle", i+1)
		}
		g.ID = cmp.Or(g.ID, idOf("S0", g.Handle))
		if g.Members, err = resolve("@"+g.Handle, g.Members); err != nil {
			return err
		}
	}
	return nil
}

// fill puts everybody into a Slack.
func (w *workspace) fill(s *slacksim.Server) {
	for _, p := range w.People {
		s.AddUser(p)
	}
	for _, c := range w.Channels {
		s.AddChannel(c)
	}
	for _, g := range w.Groups {
		s.AddUserGroup(g.ID, g.Handle, g.Members)
	}
}
