package docs

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/keyring"
)

// Commands of the page.
const (
	// Request opens the account's workflow and publishes; Publish and Unpublish are for one that
	// exists. People give all three.
	Request   = "docs.request"
	Publish   = "docs.publish"
	Unpublish = "docs.unpublish"
	// Found is given by Keyholder when it finds the page deleted or edited by hand; its Input holds
	// the Block constants.
	Found = "docs.found"
)

// Blocks of [Found].
const (
	BlockCard = "card" // the name of the card
	BlockGone = "gone" // "yes": it was deleted
	BlockBy   = "by"   // who edited it
	BlockEdit = "edit" // tells that edit from others
)

// LookEvery is the distance at which what the page shows is compared with what is known.
const LookEvery = 5 * time.Second

// State is what is known of an account's page: the fold of its events.
type State struct {
	workflows.Head
	AccountName string `json:"account_name"`
	Customer    string `json:"customer,omitempty"`
	// Channel is where the page stands; empty: it is not published.
	Channel string `json:"channel,omitempty"`
	// Copy numbers the copies that were posted, the one now last.
	Copy int `json:"copy"`
	// Mark and Facts are the newest reading; Changed is when it differed from the one before.
	Mark    string         `json:"mark,omitempty"`
	Facts   []keyring.Fact `json:"facts,omitempty"`
	Changed time.Time      `json:"changed,omitzero"`
	Read    time.Time      `json:"read,omitzero"` // when the newest list of users in it was read
	// Returned is set once a copy was found deleted after the last publishing.
	Returned bool `json:"returned,omitempty"`
	// Edited is the last edit by hand that was found.
	Edited *Edit `json:"edited,omitempty"`
	// Former are copies that are no longer kept up to date, and say so; Words what administrators were told.
	Former []Former `json:"former,omitempty"`
	Words  []Word   `json:"words,omitempty"`
}

// Edit is that somebody edited the page by hand.
type Edit struct {
	By string    `json:"by"`
	ID string    `json:"id"` // tells it from other edits
	At time.Time `json:"at"` // when it was found
}

// Former is a copy that is no longer kept up to date.
type Former struct {
	Copy    int       `json:"copy"`
	Channel string    `json:"channel"`
	By      string    `json:"by"` // who ended it
	At      time.Time `json:"at"`
}

// Word is what administrators were told of a copy that somebody deleted.
type Word struct {
	Copy  int       `json:"copy"`
	To    []string  `json:"to"`
	Ended bool      `json:"ended,omitempty"` // it was deleted again, so it is no longer published
	At    time.Time `json:"at"`
}

// kept is how many former copies and words stay in the view. Older cards stay in Slack as they are.
const kept = 5

// Title implements workflows.State. It is empty: the page is Keyholder's own work, and waits for nobody.
func (s State) Title() string { return "" }

// Published reports whether the page is kept up to date.
func (s State) Published() bool { return s.Channel != "" }

// Card is the name of the card that shows the page now.
func (s State) Card() string { return cardName(s.Copy) }

func cardName(copy int) string { return "page-" + strconv.Itoa(copy) }

type (
	published struct {
		workflows.Opening
		AccountName string `json:"account_name"`
		Customer    string `json:"customer,omitempty"`
		Channel     string `json:"channel"`
	}
	changed struct {
		Mark  string         `json:"mark"`
		Facts []keyring.Fact `json:"facts"`
		Read  time.Time      `json:"read,omitzero"`
	}
)

var (
	evPublished = workflows.Kind[State, published]{
		Type: "docs.published",
		Fold: func(s *State, e workflows.Event, b published) {
			if !s.Opened() {
				s.Open(b.Opening, "shown", e)
			}
			s.retire(e)
			s.Stage, s.Since = "shown", e.At
			s.AccountName, s.Customer, s.Channel = b.AccountName, b.Customer, b.Channel
			s.Copy, s.Returned, s.Edited = s.Copy+1, false, nil
			s.Mark, s.Facts, s.Changed = "", nil, time.Time{}
		},
		Tell: func(e workflows.Event, b published) string {
			return workflows.Say("%m published the documentation of %s; it is kept up to date from here on.", e.By.ID,
				b.AccountName)
		},
	}
	evChanged = workflows.Kind[State, changed]{
		Type: "docs.changed",
		Fold: func(s *State, e workflows.Event, b changed) {
			s.Mark, s.Facts, s.Changed, s.Read = b.Mark, b.Facts, e.At, b.Read
		},
		Tell: func(_ workflows.Event, b changed) string {
			return workflows.Say("The page was brought up to date: %n.", len(b.Facts), "fact")
		},
	}
	evReturned = workflows.Kind[State, Word]{
		Type: "docs.returned",
		Fold: func(s *State, e workflows.Event, b Word) {
			s.Words = last(append(slices.Clip(s.Words), b))
			if b.Ended {
				s.Stage, s.Since, s.Channel = "off", e.At, ""
				return
			}
			s.Copy, s.Returned, s.Edited = s.Copy+1, true, nil
		},
		Tell: func(_ workflows.Event, b Word) string {
			if b.Ended {
				return "Somebody deleted the page again, so it is no longer published."
			}
			return "Somebody deleted the page; it was posted once more."
		},
	}
	evEdited = workflows.Kind[State, Edit]{
		Type: "docs.edited",
		Fold: func(s *State, _ workflows.Event, b Edit) { s.Edited = &b },
		Tell: func(_ workflows.Event, b Edit) string {
			return workflows.Say("%m edited the page by hand; it was written anew.", b.By)
		},
	}
	evUnpublished = workflows.Kind[State, workflows.None]{
		Type: "docs.unpublished",
		Fold: func(s *State, e workflows.Event, _ workflows.None) {
			s.retire(e)
			s.Stage, s.Since, s.Channel = "off", e.At, ""
		},
		Tell: func(e workflows.Event, _ workflows.None) string {
			return workflows.Say("%m ended it: the page is no longer kept up to date.", e.By.ID)
		},
	}
)

// retire makes the copy of now a former one.
func (s *State) retire(e workflows.Event) {
	if s.Published() {
		s.Former = last(append(slices.Clip(s.Former), Former{s.Copy, s.Channel, e.By.ID, e.At}))
	}
}

func last[T any](all []T) []T { return all[max(0, len(all)-kept):] }

var kinds = workflows.NewKinds(nil, nil, evPublished, evChanged, evReturned, evEdited, evUnpublished)

// Machine is the machine of published documentation.
func Machine() workflows.Machine {
	return workflows.Rules[State]{
		Name: "docs", Letter: workflows.LetterDocs, Schema: 1, Kinds: kinds, Needs: needs, Decide: decide,
		View: State.view,
	}.Machine()
}

func needs(_ State, cmd workflows.Command, p workflows.Policy, _ workflows.AccountState) workflows.Needs {
	switch {
	case cmd.Actor.Kind == workflows.ByPerson:
		return workflows.Needs{People: workflows.Union([]string{cmd.Actor.ID}, p.Admins)}
	case cmd.Name == Found, cmd.Receipt != nil && cmd.Receipt.Page != nil && cmd.Receipt.Page.Stands != nil:
		return workflows.Needs{People: workflows.Union(p.Admins, p.HolderIDs())}
	}
	return workflows.Needs{}
}

func decide(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	person := cmd.Actor.Kind == workflows.ByPerson
	switch {
	case person && (cmd.Name == Request && !s.Opened() || cmd.Name == Publish):
		return publish(s, cmd, f)
	case person && cmd.Name == Unpublish:
		return unpublish(s, cmd, f)
	case cmd.Name == workflows.CmdReceipt:
		return s.received(cmd, f)
	case !person && cmd.Name == Found:
		return s.found(cmd, f, workflows.PageStands{
			Card: cmd.Input[BlockCard], Gone: cmd.Input[BlockGone] == "yes", By: cmd.Input[BlockBy],
			Edit: cmd.Input[BlockEdit],
		}), nil
	}
	return workflows.Decision{}, workflows.Refuse("unknown_action",
		"Nothing can be done about the page that way. Nothing was recorded. `"+
			workflows.Slash+" docs` shows the documentation; an administrator publishes it with `"+workflows.Slash+
			" docs publish`.")
}

// may refuses whoever does not administer the account.
func may(cmd workflows.Command, f workflows.Facts) error {
	if r := workflows.RefuseStanding(f, cmd.Actor.ID); r != nil {
		return r
	}
	admins := f.Expand(f.Policy.Admins)
	if slices.Contains(admins, cmd.Actor.ID) {
		return nil
	}
	who := "none is named in the configuration (admins)"
	if len(admins) > 0 {
		who = workflows.Mentions(admins)
	}
	return workflows.Refuse("not_permitted", "Administrators of the account decide what stands in its channel: "+who+
		". Nothing was recorded. `"+
		workflows.Slash+" docs "+f.Policy.ID+"` shows the documentation to you.")
}

func publish(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	p := f.Policy
	if p.Name == "" {
		return workflows.Decision{}, workflows.Refuse("no_account",
			"This account is not configured. Nothing was recorded.")
	}
	if err := may(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	switch {
	case p.Channel == "":
		return workflows.Decision{}, workflows.Refuse("no_channel",
			"The account has no channel to publish in. Nothing was recorded. "+
				"Set channel of the account, or slack.channel, in the configuration.")
	case s.Channel == p.Channel:
		return workflows.Decision{Reply: workflows.Reply{Text: "It is published already, in <#" + s.Channel +
			">, and kept up to date. Nothing new was recorded."}}, nil
	}
	d := evPublished.One(cmd, published{workflows.Opening{ID: cmd.Workflow, AccountID: p.ID}, p.Name, p.Customer,
		p.Channel})
	d.Reply.Text = "Published: within a minute the page stands in <#" + p.Channel +
		">, and it is kept up to date from then on. " +
		"Where the secret is kept, and who keeps password and second factor, is not on it. `" + workflows.Slash +
		" docs " + p.ID + " unpublish` ends it."
	return d, nil
}

func unpublish(s State, cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	if err := may(cmd, f); err != nil {
		return workflows.Decision{}, err
	}
	if !s.Published() {
		return workflows.Decision{Reply: workflows.Reply{
			Text: "It is not published, so there was nothing to end. Nothing was recorded."}}, nil
	}
	d := evUnpublished.One(cmd, workflows.None{})
	d.Reply.Text = "Ended: the page in <#" + s.Channel + "> says that it is no longer kept up to date."
	return d, nil
}

// received decides what the watch saw.
func (s State) received(cmd workflows.Command, f workflows.Facts) (workflows.Decision, error) {
	r := cmd.Receipt
	if r == nil || !s.Published() || r.Op != workflows.OpPage || !r.OK || r.Page == nil {
		return workflows.Decision{}, nil
	}
	var d workflows.Decision
	if r.Page.Mark != s.Mark {
		var facts []keyring.Fact
		if err := json.Unmarshal(r.Page.Body, &facts); err != nil {
			return d, nil // of another version; the next reading is one of ours
		}
		facts = slices.DeleteFunc(facts, func(f keyring.Fact) bool { return f.Restricted })
		d = evChanged.One(cmd, changed{r.Page.Mark, facts, r.Page.Read})
	}
	if r.Page.Stands != nil {
		found := s.found(cmd, f, *r.Page.Stands)
		d.Events = append(d.Events, found.Events...)
	}
	return d, nil
}

// found decides what became of the page in Slack. What is known already, or is of another copy, changes nothing.
func (s State) found(cmd workflows.Command, f workflows.Facts, at workflows.PageStands) workflows.Decision {
	if !s.Published() || at.Card != s.Card() {
		return workflows.Decision{}
	}
	if at.Gone {
		to := f.Expand(f.Policy.Admins)
		if len(to) == 0 {
			to = f.Expand(f.Policy.HolderIDs())
		}
		return evReturned.One(cmd, Word{Copy: s.Copy, To: to, Ended: s.Returned, At: cmd.At})
	}
	if at.Edit == "" || s.Edited != nil && s.Edited.ID == at.Edit {
		return workflows.Decision{}
	}
	return evEdited.One(cmd, Edit{By: at.By, ID: at.Edit, At: cmd.At})
}
