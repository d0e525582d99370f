package workflows

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Card is what a workflow shows to one recipient in Slack. One person gets one card per workflow;
// it is changed in place. Texts are Slack mrkdwn (see text.go); whoever renders cuts them to
// Slack's limits.
type Card struct {
	// Name and Recipient are the card's identity within the workflow. Name is "main" for the card with the buttons.
	Name string `json:"name"`
	// Recipient is a Slack user ID (a direct message) or a channel ID.
	Recipient string `json:"recipient"`
	// Under names a card of the same recipient under which this one is posted as a thread reply.
	// Empty: a message of its own.
	Under string `json:"under,omitempty"`
	// Round is the question the buttons answer; their actions block is named "<machine>:<round>".
	Round int `json:"round"`

	Title string   `json:"title"`
	Lines []string `json:"lines,omitempty"` // one paragraph each
	Facts []string `json:"facts,omitempty"` // a compact list, one line each
	Note  string   `json:"note,omitempty"`  // small print: ID and hints
	// Details are what one may want to read before one answers, and nobody has to, one paragraph
	// each: a button "Details…" shows them.
	Details  []string `json:"details,omitempty"`
	Buttons  []Button `json:"buttons,omitempty"`
	Fallback string   `json:"fallback"` // the notification line; stands alone, plain text

	// Canvas is the same content as Markdown, for a card that is better kept as a canvas of its
	// channel, where Slack lets us; empty: a message it is. People in it are mentions, as in
	// mrkdwn.
	Canvas string `json:"canvas,omitempty"`

	// Bulk cards (reminders, notices to many) are delivered after the others.
	Bulk bool `json:"bulk,omitempty"`

	// Passing is how long this content may wait for what follows it, because it is about to say another
	// thing, as while Keyholder waits for integrator.io; each of a few changes meanwhile begins that time
	// anew, and only the last is brought. Until then the card goes on showing what it shows. Zero: at once.
	Passing time.Duration `json:"-"`
}

// Moment is [Card.Passing] where Keyholder itself goes on, as a rule within a second.
const Moment = 3 * time.Second

// Styles of a button.
const (
	Primary = "primary"
	Danger  = "danger"
)

// ActDetails is the suffix, behind the machine's name, of the button that shows a card's details. It decides nothing.
const ActDetails = ".details"

// Button is one button of a card. Its value is always the workflow's ID. The first place is the one
// under a finger that was about to answer: what ends something ([Danger]) never takes it where the
// card has Details, whose button comes first then.
type Button struct {
	Action  string   `json:"action"` // the action_id, part of the contract
	Label   string   `json:"label"`
	Style   string   `json:"style,omitempty"`
	Confirm *Confirm `json:"confirm,omitempty"`
}

// Confirm asks once more before something that cannot be undone or that somebody swears to.
type Confirm struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Yes   string `json:"yes"`
	No    string `json:"no"`
}

// Kinds of inputs, after Slack's elements.
const (
	InputSelect = "static_select"
	InputMulti  = "multi_static_select"
	InputUser   = "users_select"
	InputText   = "plain_text_input"
	InputDate   = "datepicker" // a date as 2026-12-24
	InputChecks = "checkboxes"
	InputFile   = "file_input" // the command's Input holds the file's content
)

// Kinds of blocks of a form that ask for nothing.
const (
	BlockText    = "section" // Label is Slack mrkdwn
	BlockDivider = "divider"
	BlockButtons = "actions" // Buttons; named "<machine>:<round>" as on cards
)

// Blocks beside [Input]s that say where a command's file came from, set by whoever fetched it.
const (
	FileName = ".name" // appended to the input's block: the file's name
	FileHash = ".sha256"
)

// Modal is a form. Its private_metadata carries Workflow, Account, Action and Round.
type Modal struct {
	Callback string // "transfer.request", "transfer.reason"
	Title    string // at most 24 characters
	Submit   string // at most 24 characters
	Intro    []string
	Inputs   []Input

	Workflow string
	Account  string
	Action   string // the command that submitting gives
	Round    int
	// Page comes back in [Command.Page] with each click and form. A form that answers a click
	// inside a form replaces that one.
	Page int
	// Carry is JSON that comes back to the bot with the form, and to nobody else; it must fit beside the rest into
	// what Slack keeps for a form.
	Carry []byte
}

// Input is one field. Block is its block_id, and its action_id as well unless Of is set.
type Input struct {
	Block       string
	Kind        string
	Label       string
	Hint        string
	Placeholder string
	Options     []Option
	// More says how to name an option that a menu of [InputSelect] or [InputMulti] has no room for;
	// it is shown when there is none.
	More      string
	Initial   string
	Optional  bool
	Multiline bool
	// Follows: what is chosen here decides what else is asked, so the form is made anew then.
	Follows bool
	// Of says what the options of a menu belong to, where that is chosen in the same form: what was
	// chosen in the menu of another one does not count in this.
	Of        string
	MaxLength int // characters; 0: Slack's own limit of 3000
	// Buttons of a [BlockButtons].
	Buttons []Button
	// FileTypes that an [InputFile] takes, as "csv"; one file.
	FileTypes []string
}

// Asks reports whether the input is a field, and no text or button.
func (in Input) Asks() bool {
	return in.Kind != BlockText && in.Kind != BlockDivider && in.Kind != BlockButtons
}

// Takes reports whether the input can hold that: a menu of one choice only what it offers.
func (in Input) Takes(value string) bool {
	return in.Kind != InputSelect || len(in.Options) == 0 ||
		slices.ContainsFunc(in.Options, func(o Option) bool { return o.Value == value })
}

// Option is one choice. Value is at most 150 characters, Label and Description at most 75.
type Option struct {
	Value       string
	Label       string
	Description string
}

// CardsOf answers whose cards the key of an effect is about; ok false: it is about something else.
func CardsOf(key string) (workflow string, ok bool) {
	rest, ok := strings.CutPrefix(key, "cards/")
	if !ok {
		return "", false
	}
	workflow, _, ok = strings.Cut(rest, "/")
	return workflow, ok
}

// CardKey is the key of a card's effect and the card's identity in Slack's message metadata.
func CardKey(workflow, name, recipient string) string {
	return "card/" + workflow + "/" + name + "/" + recipient
}

// Page answers [OpPage]: what an account's documentation says now, and what became of the page that
// shows it.
type Page struct {
	// Mark tells contents apart.
	Mark string `json:"mark"`
	// Body is the content, as the machine that shows it reads it.
	Body json.RawMessage `json:"body"`
	// Read is when the newest list of users in it was read; zero: none was.
	Read time.Time `json:"read,omitzero"`
	// Stands is what was found where the page should be; nil: it was not looked for.
	Stands *PageStands `json:"stands,omitempty"`
}

// PageStands is how a published page was found in Slack.
type PageStands struct {
	// Card is the name of the card that shows the page.
	Card string `json:"card"`
	Gone bool   `json:"gone,omitempty"` // somebody deleted it
	// By edited it last, who is not Keyholder; Edit tells that edit from others.
	By   string `json:"by,omitempty"`
	Edit string `json:"edit,omitempty"`
}

// ID tells answers apart; "" for none.
func (p *Page) ID() string {
	if p == nil {
		return ""
	}
	id := p.Mark
	if s := p.Stands; s != nil {
		id += "+" + s.Card + s.Edit
	}
	return id
}
