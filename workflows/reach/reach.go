package reach

import (
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Stages.
const (
	StageMissed  = "missed"
	StageReached = "reached"
)

// maxMisses bounds what a state lists; more is counted.
const maxMisses = 20

// Miss is one thing that could not be brought.
type Miss struct {
	Workflow string    `json:"workflow"`
	Title    string    `json:"title,omitempty"` // plain
	Since    time.Time `json:"since"`
	Asked    string    `json:"asked,omitempty"` // who asked for it, where they are told
}

// State is who cannot be reached and what they miss, the fold of its events.
type State struct {
	workflows.Head
	Kind        string `json:"kind"`
	AccountName string `json:"account_name"`
	To          string `json:"to"`
	Channel     string `json:"channel,omitempty"` // of the account
	Code        string `json:"code"`
	Misses      []Miss `json:"misses,omitempty"`
	More        int    `json:"more,omitempty"`
	// Told are all who have a message about it, Admins those of them who see all that is missed;
	// Loud: the channel has one, too.
	Told   []string `json:"told,omitempty"`
	Admins []string `json:"admins,omitempty"`
	Loud   bool     `json:"loud,omitempty"`
}

// Title implements [workflows.State]: it is Keyholder's own work.
func (State) Title() string { return "" }

// missed is the body of both events by which something is missed.
type missed struct {
	workflows.Opening
	Kind        string   `json:"kind"`
	AccountName string   `json:"account_name"`
	To          string   `json:"to"`
	Channel     string   `json:"channel,omitempty"`
	Code        string   `json:"code"`
	Miss        Miss     `json:"miss"`
	Tell        []string `json:"tell,omitempty"`
	Admins      []string `json:"admins,omitempty"`
	Loud        bool     `json:"loud,omitempty"`
}

// brought is the body of the event by which something arrived.
type brought struct {
	Workflow string `json:"workflow"`
}

var (
	evMissed = workflows.Kind[State, missed]{
		Type: "reach.missed",
		Fold: func(s *State, e workflows.Event, b missed) {
			if !s.Opened() {
				s.Open(b.Opening, StageMissed, e)
			} else if s.Closed() {
				s.Enter(StageMissed, e, time.Time{})
				s.Over, s.Misses, s.More = time.Time{}, nil, 0
			}
			s.Kind, s.AccountName, s.To, s.Channel, s.Code = b.Kind, b.AccountName, b.To, b.Channel, b.Code
			s.Told, s.Admins, s.Loud = workflows.Union(s.Told, b.Tell), b.Admins, s.Loud || b.Loud
			if len(s.Misses) < maxMisses {
				s.Misses = append(slices.Clip(s.Misses), b.Miss)
			} else {
				s.More++
			}
		},
		Tell: func(_ workflows.Event, b missed) string {
			return workflows.Say("%s could not be brought to %s, because %s.", thing(b.Kind, b.Miss),
				name(b.Kind, b.To), why(b.Kind, b.To, b.Code))
		},
	}
	evLoud = workflows.Kind[State, workflows.None]{
		Type: "reach.loud",
		Fold: func(s *State, _ workflows.Event, _ workflows.None) { s.Loud = true },
		Tell: workflows.Told[workflows.None](
			"Those who can mend it could not be reached, either; the channel is told."),
	}
	evBrought = workflows.Kind[State, brought]{
		Type: "reach.brought",
		Fold: func(s *State, e workflows.Event, b brought) {
			s.Misses = slices.DeleteFunc(slices.Clone(s.Misses), func(m Miss) bool { return m.Workflow == b.Workflow })
			if len(s.Misses) == 0 {
				s.End(StageReached, e)
			}
		},
		Tell: func(_ workflows.Event, b brought) string {
			return workflows.Say("What %s had to say arrived.", b.Workflow)
		},
	}
	kinds = workflows.NewKinds(nil, nil, workflows.AnyKind[State](evMissed), evLoud, evBrought)
)

// Machine is the machine of those who cannot be reached.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "reach", Letter: workflows.LetterReach, Schema: 1, Kinds: kinds, View: State.view, Decide: decide,
		Needs: func(_ State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
			n := workflows.Needs{People: p.Admins}
			if m, err := workflows.MissedMore.Body(cmd); err == nil && m.Asked != "" {
				n.People = workflows.Union(n.People, []string{m.Asked})
			}
			return n
		},
	}.Machine()
}

func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	switch {
	case workflows.MissedFirst.Given(cmd) && !s.Opened(), workflows.MissedMore.Given(cmd) && s.Opened():
		m, err := workflows.MissedMore.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		return s.missed(cmd, f, m), nil
	case workflows.MissedNoted.Given(cmd) && s.Opened():
		m, err := workflows.MissedNoted.Body(cmd)
		if err != nil {
			return workflows.Decision{}, err
		}
		if s.Closed() || !s.lists(m.Workflow) {
			return workflows.Decision{}, nil
		}
		return evBrought.One(cmd, brought{m.Workflow}), nil
	}
	return workflows.Decision{}, workflows.Refuse("unknown_action",
		"There is nothing to press here. Nothing was recorded.")
}

func (s State) lists(workflow string) bool {
	return slices.ContainsFunc(s.Misses, func(m Miss) bool { return m.Workflow == workflow })
}

// missed records what could not be brought, and chooses whom to tell.
func (s State) missed(cmd workflows.Command, f workflows.Facts, m workflows.Missed) workflows.Decision {
	if m.Workflow == cmd.Workflow { // this very message
		if s.Loud || s.Closed() || m.To == s.Channel {
			return workflows.Decision{}
		}
		return evLoud.One(cmd, workflows.None{})
	}
	if !s.Closed() && s.lists(m.Workflow) {
		return workflows.Decision{}
	}
	p := f.Policy
	b := missed{Opening: workflows.Opening{ID: cmd.Workflow, AccountID: p.ID}, Kind: m.Kind, AccountName: p.Name,
		To: m.To, Channel: p.Channel,
		Code: m.Code, Miss: Miss{Workflow: m.Workflow, Title: m.Title, Since: m.Since, Asked: m.Asked}}
	if b.AccountName == "" {
		b.AccountName = p.ID
	}
	b.Admins = f.Expand(p.Admins)
	for _, who := range workflows.Union(b.Admins, []string{m.Asked}) {
		if who != "" && who != m.To && f.People[who].Standing != workflows.StandingDeactivated {
			b.Tell = append(b.Tell, who)
		}
	}
	b.Loud = p.Channel != "" && p.Channel != m.To && (len(b.Tell) == 0 || m.Code == workflows.CodeNoTab)
	return evMissed.One(cmd, b)
}

// view is one message for each who is told, and one in the channel where nobody else can be.
func (s State) view() workflows.View {
	v := workflows.View{}
	for _, who := range s.Told {
		if who != s.To {
			v.Cards = append(v.Cards, s.card(who))
		}
	}
	if s.Loud && s.Channel != "" {
		c := s.card("")
		c.Recipient, c.Bulk = s.Channel, true
		v.Cards = append(v.Cards, c)
	}
	return v
}

func (s State) card(who string) workflows.Card {
	c := workflows.Card{Name: "main", Recipient: who, Round: s.Round, Note: workflows.Say("%s, %s", s.AccountName,
		s.ID)}
	whom := name(s.Kind, s.To)
	if s.Closed() {
		if s.To == workflows.Everybody {
			whom = "everybody"
		}
		c.Title = workflows.Say("✓ What Keyholder has to say reaches %s again", whom)
		c.Lines = []string{workflows.Say("All of it arrived, %t.", s.Over)}
		c.Fallback = workflows.Plain(c.Title, nil)
		return c
	}
	c.Title = workflows.Say("! Keyholder cannot reach %s", whom)
	c.Lines = []string{
		workflows.Say("%s, since %t: %s.", what(s.Kind), s.since(), why(s.Kind, s.To, s.Code)),
		next(s.Kind, s.To, s.Code),
		"It is tried again by itself, for as long as it is wanted. " + reason(who, s),
	}
	hidden := s.More
	for _, m := range s.Misses {
		// a channel, or somebody who asked for other things
		if !workflows.Among(who, s.Admins) && (who == "" || m.Asked != who) {
			hidden++
			continue
		}
		c.Facts = append(c.Facts, workflows.Say("… %s (%s)", titled(m), m.Workflow))
	}
	if hidden > 0 {
		c.Facts = append(c.Facts, workflows.Say("… waiting to be brought besides: %n", hidden, "message"))
	}
	c.Fallback = workflows.Plain(c.Title, nil)
	return c
}

// since is when the first of what is missed was refused.
func (s State) since() time.Time {
	first := time.Time{}
	for _, m := range s.Misses {
		if first.IsZero() || m.Since.Before(first) {
			first = m.Since
		}
	}
	return first
}

func titled(m Miss) string {
	if strings.TrimSpace(m.Title) == "" {
		return "what Keyholder does by itself"
	}
	return m.Title
}
