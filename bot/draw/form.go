package draw

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
)

// ErrFormTooLarge: the form has more text and options than a view may hold.
var ErrFormTooLarge = errors.New("render the form: it is larger than Slack takes")

// RenderModal turns a form into a view. Texts are cut to Slack's limits. The error is a fault of
// whoever made the form: a name or metadata that cannot be cut without losing their meaning.
func RenderModal(m workflows.Modal) (slack.ModalViewRequest, error) {
	meta, err := json.Marshal(Metadata{Workflow: m.Workflow, Account: m.Account, Action: m.Action, Round: m.Round,
		Page: m.Page, Carry: m.Carry})
	if err != nil {
		return slack.ModalViewRequest{}, fmt.Errorf("encode the form's metadata: %w", err)
	}
	if utf8.RuneCount(meta) > MaxMetaLength || utf8.RuneCountInString(m.Callback) > LimitID {
		return slack.ModalViewRequest{}, fmt.Errorf("render form %.40q: its metadata or callback is too long",
			m.Callback)
	}
	m.Inputs = fitting(m.Inputs)
	v := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: m.Callback, PrivateMetadata: string(meta),
		Title: plainText(cmp.Or(Plain(m.Title, limitModalTitle), "Keyholder")),
		Close: plainText("Back"),
	}
	blocks, asks := formBlocks(m)
	if asks || m.Submit != "" || len(blocks) == 0 { // a page that only shows something needs nothing to send it with
		v.Submit = plainText(cmp.Or(Plain(m.Submit, limitModalTitle), "Send"))
	}
	v.Blocks.BlockSet = append(paragraphs(m.Intro, limitModalBlocks-len(blocks)), blocks...)
	if len(v.Blocks.BlockSet) == 0 {
		v.Blocks.BlockSet = []slack.Block{Section(cmp.Or(Cut(workflows.Esc(Plain(m.Title, LimitSection)), LimitSection),
			"Keyholder"))}
	}
	if raw, err := json.Marshal(v); err != nil || len(raw) > limitView {
		return slack.ModalViewRequest{}, errors.Join(ErrFormTooLarge, err)
	}
	return v, nil
}

// formBlocks makes the blocks of a form's inputs, and says whether one of them asks for something.
// What Slack would refuse is left out: a name that is missing, too long or there twice.
func formBlocks(m workflows.Modal) (out []slack.Block, asks bool) {
	seen := map[string]bool{}
	for _, in := range m.Inputs {
		if len(out) == limitModalBlocks-1 {
			break
		}
		named := in.Block != "" && utf8.RuneCountInString(in.Block) <= LimitID && !seen[in.Block]
		switch in.Kind {
		case workflows.BlockText:
			if text := Cut(in.Label, LimitSection); text != "" {
				s := Section(text)
				if named {
					s.BlockID, seen[in.Block] = in.Block, true
				}
				out = append(out, s)
			}
		case workflows.BlockDivider:
			out = append(out, slack.NewDividerBlock())
		case workflows.BlockButtons:
			if a := formButtons(m, in.Buttons, seen); a != nil {
				seen[a.BlockID] = true
				out = append(out, a)
			}
		default:
			if named {
				seen[in.Block], asks = true, true
				out = append(out, input(in))
			}
		}
	}
	return out, asks
}

// formButtons is a block of a form's buttons, named as on cards: "<prefix of the first button's
// action>:<round>"; nil where there are none. Two blocks cannot share that name, so a second one,
// with the same buttons below a long form, is numbered: "review:4#2".
func formButtons(m workflows.Modal, buttons []workflows.Button, seen map[string]bool) *slack.ActionBlock {
	if len(buttons) == 0 {
		return nil
	}
	machine, _, _ := strings.Cut(buttons[0].Action, ".")
	id := BlockID(machine, m.Round)
	for n := 2; seen[id]; n++ {
		id = BlockID(machine, m.Round) + "#" + strconv.Itoa(n)
	}
	return ButtonBlock(id, buttons, m.Workflow, m.Title)
}

func input(in workflows.Input) *slack.InputBlock {
	label := plainText(cmp.Or(Plain(in.Label, limitLabel), Plain(in.Block, limitLabel)))
	var hint *slack.TextBlockObject
	if h := Plain(in.Hint, limitLabel); h != "" {
		hint = plainText(h)
	}
	b := slack.NewInputBlock(in.Block, label, hint, element(in))
	b.Optional, b.DispatchAction = in.Optional, in.Follows
	return b
}

// actionID names an input's element. Slack keeps what stands in a field whose block_id, action_id and
// type stay when a form changes; [workflows.Input.Of] tells apart what is not to stay.
func actionID(in workflows.Input) string {
	if in.Of == "" {
		return in.Block
	}
	return in.Block + ofMark + in.Of
}

const ofMark = "@"

// OfMenu is what the options of a field belong to by the action_id of its element; "" for nothing.
func OfMenu(actionID string) string {
	_, of, _ := strings.Cut(actionID, ofMark)
	return of
}

// element makes the input's element. A select without a usable option becomes a text field, one
// value a line, because Slack refuses an empty one.
func element(in workflows.Input) slack.BlockElement {
	id := actionID(in)
	var placeholder *slack.TextBlockObject
	if p := Plain(in.Placeholder, limitPlaceholder); p != "" {
		placeholder = plainText(p)
	}
	switch in.Kind {
	case workflows.InputUser:
		e := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, placeholder, id)
		if roster.IsPerson(in.Initial) {
			e.InitialUser = in.Initial
		}
		return e
	case workflows.InputDate:
		e := slack.NewDatePickerBlockElement(id)
		e.InitialDate = in.Initial
		return e
	case workflows.InputFile:
		return slack.NewFileInputBlockElement(id).WithFileTypes(in.FileTypes...).WithMaxFiles(1)
	case workflows.InputSelect:
		if opts := options(in.Options, maxOptions); len(opts) > 0 {
			e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, placeholder, id)
			e.Options, e.OptionGroups = grouped(opts)
			if first := chosen(opts, in.Initial); len(first) > 0 {
				e.InitialOption = first[0]
			}
			return e
		}
	case workflows.InputMulti:
		if opts := options(in.Options, maxOptions); len(opts) > 0 {
			e := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, placeholder, id)
			e.Options, e.OptionGroups = grouped(opts)
			e.InitialOptions = chosen(opts, in.Initial)
			return e
		}
	case workflows.InputChecks:
		if opts := options(in.Options, limitChecks); len(opts) > 0 {
			e := slack.NewCheckboxGroupsBlockElement(id, opts...)
			e.InitialOptions = chosen(opts, in.Initial)
			return e
		}
	}
	e := slack.NewPlainTextInputBlockElement(placeholder, id)
	e.Multiline = in.Multiline || in.Kind == workflows.InputMulti
	e.MaxLength = LimitInput
	if in.MaxLength > 0 {
		e.MaxLength = min(in.MaxLength, LimitInput)
	}
	e.InitialValue = workflows.Clip(in.Initial, e.MaxLength)
	return e
}

// options drops those that Slack would refuse: a value cannot be cut, for it means something.
func options(in []workflows.Option, most int) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	seen := map[string]bool{}
	for _, o := range in {
		if o.Value == "" || utf8.RuneCountInString(o.Value) > limitOptionValue || seen[o.Value] || len(out) == most {
			continue
		}
		seen[o.Value] = true
		label := cmp.Or(Plain(o.Label, limitOption), Plain(o.Value, limitOption))
		if label == "" {
			continue
		}
		var description *slack.TextBlockObject
		if d := Plain(o.Description, limitOption); d != "" {
			description = plainText(d)
		}
		out = append(out, slack.NewOptionBlockObject(o.Value, plainText(label), description))
	}
	return out
}

// chosen are the options whose values stand in initial, one a line.
func chosen(opts []*slack.OptionBlockObject, initial string) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	values := strings.Split(initial, "\n")
	for _, o := range opts {
		if slices.Contains(values, o.Value) {
			out = append(out, o)
		}
	}
	return out
}

// Metadata is what a form carries about itself.
type Metadata struct {
	Workflow string `json:"workflow,omitempty"`
	Account  string `json:"account,omitempty"`
	Action   string `json:"action"`
	Round    int    `json:"round"`
	Page     int    `json:"page,omitempty"`
	// Carry is what a form of the bot's own needs when it comes back.
	Carry json.RawMessage `json:"carry,omitempty"`
}

// MaxMetaLength is how many characters private_metadata may have; Slack's own limit.
const MaxMetaLength = 3000
