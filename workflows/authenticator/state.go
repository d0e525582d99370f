package authenticator

import (
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// Stages, then the ends.
const (
	Waiting  = "waiting"
	Counting = "counting"
	Locked   = "locked"

	Stopped = "stopped"
	Reset   = "reset"
)

const (
	// CountsAfter is how long an app that was set up with a Slack session alone does not count: a working day of
	// somebody who looks once a day, in which they or an administrator can say that it was not them.
	CountsAfter = 24 * time.Hour
	// MaxWrong is how many wrong codes in a row lock it. Six digits and three steps of time give one guess in
	// some 300,000 a chance; five of them are nothing.
	MaxWrong = 5
	// ResetWithin is how long the second administrator has.
	ResetWithin = 24 * time.Hour
)

// State is one person's authenticator app, the fold of its events.
type State struct {
	workflows.Head
	Person string `json:"person"`
	Team   string `json:"team,omitempty"`
	Name   string `json:"name"` // plain, for titles
	// N numbers the apps that this person has set up, from 1.
	N int `json:"n"`
	// Sealed is the secret, as the bot sealed it.
	Sealed string    `json:"sealed,omitempty"`
	SetUp  time.Time `json:"set_up,omitzero"`
	From   time.Time `json:"from,omitzero"` // it counts from here
	// Word is the administrator by whose word it counts; Proven, that whoever set it up had shown who they are.
	Word   string `json:"word,omitempty"`
	Proven bool   `json:"proven,omitempty"`
	// Step is the step of time of the last code that was taken; Used is when that was, by the clock that codes go by.
	Step int64     `json:"step"`
	Used time.Time `json:"used,omitzero"`
	// Wrong counts the wrong codes since the last right one.
	Wrong int `json:"wrong,omitempty"`
	// Asked is the open question whether it is reset; Asks numbers those of this app.
	Asked *asked `json:"asked,omitempty"`
	Asks  int    `json:"asks,omitempty"`
	// Admins are told; By is who ended it.
	Admins []string `json:"admins,omitempty"`
	By     string   `json:"by,omitempty"`
	// Lost is the app before, where it could not be read any more.
	Lost *lost `json:"lost,omitempty"`
	// Alarmed are the administrators who are told that it is locked.
	Alarmed []string `json:"alarmed,omitempty"`
}

// asked is that an administrator asks for a reset.
type asked struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until"`
	Tell   []string  `json:"tell,omitempty"` // administrators
	// Ended is why it came to nothing, By then who said so; empty: it is open.
	Ended string `json:"ended,omitempty"`
	Left  string `json:"left,omitempty"`
}

// lost is an app that another one took the place of.
type lost struct {
	N  int       `json:"n"`
	At time.Time `json:"at"`
	To []string  `json:"to"` // who has a message about it
}

// Title implements [workflows.State].
func (s State) Title() string { return "The authenticator app of " + s.Name }

// Counts reports whether its codes show who its person is.
func (s State) Counts() bool { return s.Stage == Counting }

// Fresh reports whether a code was taken no longer ago than maxAge, by the clock that codes go by.
func (s State) Fresh(now time.Time, maxAge time.Duration) bool {
	return s.Counts() && !s.Used.IsZero() && !s.Used.After(now) && now.Before(s.Used.Add(maxAge))
}

// locked reports whether it was ever locked.
func (s State) locked() bool { return s.Wrong >= MaxWrong }

// asking reports whether a reset is asked for and not answered.
func (s State) asking() bool { return s.Asked != nil && s.Asked.Ended == "" && !s.Closed() }

// told are all who have a message about it.
func (s State) told() []string { return workflows.Union([]string{s.Person}, s.Admins) }

func clone(s State) State {
	if s.Asked != nil {
		a := *s.Asked
		s.Asked = &a
	}
	return s
}
