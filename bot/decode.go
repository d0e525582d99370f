package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
)

// Kinds of what arrives, as metrics and log name them.
const (
	kindClick  = "block_actions"
	kindSubmit = "view_submission"
	kindSlash  = "slash_commands"
	kindEvent  = "events_api"
	kindOther  = "other"
)

// visitor is who did something and where a private answer reaches them.
type visitor struct {
	user, team  string
	channel     string // "" for forms
	thread      string
	responseURL string
	trigger     string
	stepUp      *workflows.StepUp // how they showed who they are, once they did
}

// arrival is an envelope's content. Fault, when not empty, is the code of what is wrong with it;
// then there is nothing to do but say so.
type arrival struct {
	kind   string
	who    visitor
	fault  string
	cmd    workflows.Command // click and submit; ID, Name, Workflow, Round, Actor, Submitted and Input are set
	form   formRef           // submit, and a click inside a form
	files  map[string][]wireFile
	slash  wireSlash
	event  wireEvent
	home   bool // click: in the App Home
	opened bool // submit: the command opens a workflow whose ID is still to be made
	// chosenAt is when something was chosen in a request form that follows it, by Slack's clock; "" for all else.
	chosenAt string
	carry    json.RawMessage
}

// formRef is what answering a form needs.
type formRef struct {
	view, hash, callback string
	inputs               []string          // block_ids of its input blocks, in order
	of                   map[string]string // block_id -> what the options chosen there belong to, if it says so
}

func refOf(v *wireView) formRef {
	f := formRef{view: v.ID, hash: v.Hash, callback: v.CallbackID, inputs: inputBlocks(v), of: map[string]string{}}
	for block, elements := range v.State.Values {
		for id := range elements {
			if of := draw.OfMenu(id); of != "" {
				f.of[block] = of
			}
		}
	}
	return f
}

func (f formRef) first() string {
	if len(f.inputs) == 0 {
		return ""
	}
	return f.inputs[0]
}

func (f formRef) has(block string) bool {
	for _, b := range f.inputs {
		if b == block {
			return true
		}
	}
	return false
}

var (
	teamPattern   = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	actionPattern = regexp.MustCompile(`^([a-z]{1,32})\.([a-z_]{1,32})$`)
	// #: of several cards in one answer
	blockPattern   = regexp.MustCompile(`^([a-z]{1,32}):(0|[1-9][0-9]{0,8})(?:#[1-9][0-9]?)?$`)
	accountPattern = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	// Slack's timestamps: seconds, and microseconds
	timestampPattern = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,9}$`)
)

const (
	requestCallback = ".request"
	maxInputs       = 100       // blocks; Slack's own limit of a modal
	maxInputSize    = 256 << 10 // bytes of all typed fields together; Slack's own limit of a view is 250 kB
	maxPage         = 1_000_000
)

// decode reads an envelope's payload. It never fails: what makes no sense has a fault. known says which machines exist.
func decode(kind string, payload json.RawMessage, known func(machine string) bool) arrival {
	switch kind {
	case kindSlash:
		var s wireSlash
		a := arrival{kind: kindSlash}
		err := json.Unmarshal(payload, &s)
		a.slash = s
		a.who = visitor{user: s.UserID, team: s.TeamID, channel: s.ChannelID, responseURL: s.ResponseURL,
			trigger: s.TriggerID}
		if err != nil || !a.who.valid() {
			a.fault = codeMalformed
		}
		return a
	case "interactive":
		return decodeInteraction(payload, known)
	case kindEvent:
		a := arrival{kind: kindEvent}
		if json.Unmarshal(payload, &a.event) != nil {
			a.fault = codeMalformed
		}
		a.who = visitor{user: a.event.Event.User.ID, team: a.event.TeamID}
		return a
	}
	return arrival{kind: kindOther, fault: codeMalformed}
}

func decodeInteraction(payload json.RawMessage, known func(string) bool) arrival {
	var i wireInteraction
	err := json.Unmarshal(payload, &i)
	a := arrival{kind: kindOther, who: visitor{user: i.User.ID, team: i.User.TeamID, channel: i.Channel.ID,
		thread: i.Container.ThreadTS, responseURL: i.ResponseURL, trigger: i.TriggerID}}
	if a.who.channel == "" {
		a.who.channel = i.Container.ChannelID
	}
	switch i.Type {
	case kindClick:
		a.kind = kindClick
		a.fault = a.click(i, known)
	case kindSubmit:
		a.kind = kindSubmit
		a.fault = a.submit(i, known)
	default: // view_closed, shortcuts and whatever comes: nothing of ours
		return a
	}
	if err != nil || !a.who.valid() {
		a.fault = codeMalformed
	}
	if a.fault != "" {
		a.cmd = workflows.Command{}
	}
	return a
}

func (v visitor) valid() bool {
	return roster.IsPerson(v.user) && (v.team == "" || teamPattern.MatchString(v.team))
}

func (v visitor) actor() workflows.Actor {
	return workflows.Actor{Kind: workflows.ByPerson, ID: v.user, Team: v.team, StepUp: v.stepUp}
}

// click reads a button: action_id "<machine>.<verb>", block_id "<machine>:<round>", value the workflow's ID.
func (a *arrival) click(i wireInteraction, known func(string) bool) string {
	if len(i.Actions) != 1 {
		return codeMalformed
	}
	act := i.Actions[0]
	if i.View != nil && strings.HasSuffix(i.View.CallbackID, requestCallback) && !strings.Contains(act.BlockID, ":") {
		return a.choice(i.View, act, known)
	}
	name := actionPattern.FindStringSubmatch(act.ActionID)
	block := blockPattern.FindStringSubmatch(act.BlockID)
	if name == nil || block == nil || name[1] != block[1] {
		return codeMalformed
	}
	home := name[1] == homeMachine && i.View.isHome()
	if _, _, ok := workflows.ParseID(act.Value); !ok && !home {
		return codeMalformed
	}
	if !known(name[1]) && !home {
		return codeUnknownButton
	}
	round, err := strconv.Atoi(block[2])
	if err != nil {
		return codeMalformed
	}
	once := act.ActionTS
	if once == "" {
		once = i.TriggerID
	}
	if once == "" || len(once) > 255 {
		return codeMalformed
	}
	a.cmd = workflows.Command{
		ID:       strings.Join([]string{"click", i.User.TeamID, i.User.ID, once, act.ActionID, act.Value}, "/"),
		Workflow: act.Value, Name: act.ActionID, Round: round, Actor: a.who.actor(),
	}
	if i.View.isHome() {
		a.home = true // a card shown there; no form of ours is one
		return ""
	}
	if i.View != nil || i.Container.Type == "view" || i.Container.ViewID != "" {
		return a.inside(i.View)
	}
	return ""
}

// choice reads what was chosen in a request form that follows it.
func (a *arrival) choice(v *wireView, act wireAction, known func(string) bool) string {
	callback := actionPattern.FindStringSubmatch(v.CallbackID)
	m, ok := readMetadata(v)
	a.form = refOf(v)
	if callback == nil || !ok || m.Workflow != "" || v.Type == "home" || !viewID(v.ID) || !a.form.has(act.BlockID) ||
		!a.read(v) || !timestampPattern.MatchString(act.ActionTS) {
		return codeBadForm
	}
	if !known(callback[1]) {
		return codeUnknownForm
	}
	account := a.cmd.Input[blockAccount]
	if account != "" && !accountPattern.MatchString(account) {
		return codeBadForm
	}
	a.cmd.Name, a.cmd.Actor, a.cmd.View, a.cmd.Account = v.CallbackID, a.who.actor(), v.ID, account
	a.cmd.Round, a.carry, a.chosenAt = workflows.NoRound, m.Carry, act.ActionTS
	return ""
}

// isHome reports whether a view is the App Home, and no form that only says so.
func (v *wireView) isHome() bool {
	return v != nil && v.Type == "home" && v.CallbackID == "" && v.PrivateMetadata == ""
}

// inside completes a click that was made in a form: the form's page and what is typed so far. The
// form must be of the same machine and workflow as the button.
func (a *arrival) inside(v *wireView) string {
	if v == nil || v.Type == "home" || !viewID(v.ID) {
		return codeBadForm
	}
	a.form = refOf(v)
	m, ok := readMetadata(v)
	callback := actionPattern.FindStringSubmatch(v.CallbackID)
	if !ok || callback == nil || !strings.HasPrefix(a.cmd.Name, callback[1]+".") || m.Workflow != a.cmd.Workflow {
		return codeBadForm
	}
	if ok := a.read(v); !ok {
		return codeBadForm
	}
	a.cmd.View, a.cmd.Page, a.cmd.Account = v.ID, m.Page, m.Account
	return ""
}

// read takes a form's fields and files over.
func (a *arrival) read(v *wireView) bool {
	var ok bool
	a.cmd.Input, a.files, ok = inputs(v)
	return ok
}

func viewID(s string) bool { return s != "" && len(s) <= 64 }

// readMetadata reads what a form carries about itself, and whether it makes sense but for its action and workflow.
func readMetadata(v *wireView) (m draw.Metadata, ok bool) {
	if len(v.PrivateMetadata) > draw.MaxMetaLength || json.Unmarshal([]byte(v.PrivateMetadata), &m) != nil {
		return draw.Metadata{}, false
	}
	return m, m.Page >= 0 && m.Page <= maxPage && (m.Account == "" || accountPattern.MatchString(m.Account))
}

// submit reads a form: callback_id "<machine>.request", which opens a workflow unless its metadata
// names one; or "<machine>.<form>" whose metadata names action, workflow and round.
func (a *arrival) submit(i wireInteraction, known func(string) bool) string {
	v := i.View
	if v == nil {
		return codeMalformed
	}
	a.form = refOf(v)
	callback := actionPattern.FindStringSubmatch(v.CallbackID)
	if callback == nil || !viewID(v.ID) {
		return codeBadForm
	}
	if !known(callback[1]) {
		return codeUnknownForm
	}
	a.cmd = workflows.Command{
		ID: strings.Join([]string{"form", i.User.TeamID, i.User.ID, v.ID}, "/"), Actor: a.who.actor(), Submitted: true,
		View: v.ID,
	}
	if !a.read(v) {
		return codeBadForm
	}
	m, ok := readMetadata(v)
	if strings.HasSuffix(v.CallbackID, requestCallback) && m.Workflow == "" {
		a.cmd.Name, a.cmd.Round, a.opened = v.CallbackID, workflows.NoRound, true
		a.cmd.Account = a.cmd.Input[blockAccount]
		if ok {
			a.carry = m.Carry
		}
		return ""
	}
	if !ok {
		return codeBadForm
	}
	action := actionPattern.FindStringSubmatch(m.Action)
	_, _, idOK := workflows.ParseID(m.Workflow)
	if action == nil || action[1] != callback[1] || !idOK || m.Round < 0 {
		return codeBadForm
	}
	if strings.HasSuffix(m.Action, requestCallback) {
		return codeBadForm
	}
	a.cmd.Name, a.cmd.Workflow, a.cmd.Account, a.cmd.Round, a.cmd.Page = m.Action, m.Workflow, m.Account, m.Round,
		m.Page
	a.carry = m.Carry
	// A form that is shown anew with another page or question keeps its view, and sending it then is another command.
	a.cmd.ID += "/" + strconv.Itoa(m.Round) + "/" + strconv.Itoa(m.Page)
	return ""
}

// inputBlocks lists the block_ids of a view's input blocks; errors can be shown on those only. A
// view that came without its blocks gives those of its state.
func inputBlocks(v *wireView) []string {
	var out []string
	for _, b := range v.Blocks {
		if b.Type == "input" && b.BlockID != "" {
			out = append(out, b.BlockID)
		}
	}
	if len(out) == 0 && len(v.Blocks) == 0 {
		for id := range v.State.Values {
			out = append(out, id)
		}
		sort.Strings(out)
	}
	return out
}

// inputs flattens a view's state by block_id. Fields with several values join them with a newline;
// untouched fields are left out. Files come apart: they are still to be fetched.
func inputs(v *wireView) (map[string]string, map[string][]wireFile, bool) {
	if len(v.State.Values) > maxInputs {
		return nil, nil, false
	}
	out := map[string]string{}
	var files map[string][]wireFile
	total := 0
	for block, elements := range v.State.Values {
		if len(elements) > 1 {
			return nil, nil, false
		}
		for _, e := range elements {
			if len(e.Files) > 0 {
				if files == nil {
					files = map[string][]wireFile{}
				}
				files[block] = e.Files
				continue
			}
			if s := e.text(); s != "" {
				out[block] = s
				total += len(s)
			}
		}
	}
	return out, files, total <= maxInputSize
}

func (e wireInput) text() string {
	switch {
	case e.SelectedOption != nil:
		return e.SelectedOption.Value
	case e.SelectedUser != nil:
		return *e.SelectedUser
	case e.SelectedDate != nil:
		return *e.SelectedDate
	case e.SelectedOptions != nil:
		values := make([]string, 0, len(e.SelectedOptions))
		for _, o := range e.SelectedOptions {
			values = append(values, o.Value)
		}
		return strings.Join(values, "\n")
	case e.Value != nil:
		return strings.TrimSpace(*e.Value)
	}
	return ""
}

// The types below hold what the bot uses of Slack's envelopes and nothing more, so that a message or view that contains
// something new cannot make a click undecodable. Source: reference of interaction payloads and slash commands.

type wireEnvelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

type wireUser struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
}

type wireAction struct {
	Type     string `json:"type"`
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    string `json:"value"`
	ActionTS string `json:"action_ts"`
}

type wireOption struct {
	Value string `json:"value"`
}

// wireFile is a file of a form or of files.info. Addresses may be missing (Slack Connect,
// file_access "check_file_info").
type wireFile struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Size        int64  `json:"size"`
	URL         string `json:"url_private"`
	URLDownload string `json:"url_private_download"`
}

type wireInput struct {
	Type            string       `json:"type"`
	Value           *string      `json:"value"`
	SelectedOption  *wireOption  `json:"selected_option"`
	SelectedOptions []wireOption `json:"selected_options"`
	SelectedUser    *string      `json:"selected_user"`
	SelectedDate    *string      `json:"selected_date"`
	Files           []wireFile   `json:"files"`
}

type wireBlock struct {
	Type    string `json:"type"`
	BlockID string `json:"block_id"`
}

type wireView struct {
	ID              string      `json:"id"`
	Type            string      `json:"type"`
	CallbackID      string      `json:"callback_id"`
	PrivateMetadata string      `json:"private_metadata"`
	Hash            string      `json:"hash"`
	Blocks          []wireBlock `json:"blocks"`
	State           struct {
		Values map[string]map[string]wireInput `json:"values"`
	} `json:"state"`
}

type wireInteraction struct {
	Type        string   `json:"type"`
	User        wireUser `json:"user"`
	TriggerID   string   `json:"trigger_id"`
	ResponseURL string   `json:"response_url"`
	Channel     struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		ChannelID string `json:"channel_id"`
		ThreadTS  string `json:"thread_ts"`
		Type      string `json:"type"`
		ViewID    string `json:"view_id"`
	} `json:"container"`
	Actions []wireAction `json:"actions"`
	View    *wireView    `json:"view"`
}

type wireSlash struct {
	TeamID      string `json:"team_id"`
	ChannelID   string `json:"channel_id"`
	UserID      string `json:"user_id"`
	Command     string `json:"command"`
	Text        string `json:"text"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
}

type wireEvent struct {
	TeamID string `json:"team_id"`
	Event  struct {
		Type string      `json:"type"`
		User wireSubject `json:"user"`
		Tab  string      `json:"tab"`
		File string      `json:"file_id"` // of file_change and file_deleted
	} `json:"event"`
}

// wireSubject is whom an event is about: an ID in app_home_opened, the whole user in user_change.
// Digest is of the user as a whole, which both events that Slack sends of one change carry alike;
// "" without one.
type wireSubject struct {
	ID     string
	Digest string
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *wireSubject) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '{' {
		return json.Unmarshal(raw, &u.ID)
	}
	var user wireUser
	err := json.Unmarshal(raw, &user)
	sum := sha256.Sum256(raw)
	u.ID, u.Digest = user.ID, hex.EncodeToString(sum[:8])
	return err
}
